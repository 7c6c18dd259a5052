/** Lists in pages, as every store answers them. */
/** `cursor` is absent at the end; a short page is not the end. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly cursor?: string;
}

export interface PageRequest {
  readonly limit: number;
  readonly cursor?: string;
}

/** A cursor that this list did not give out. */
export type Listed<Item> = { readonly kind: 'page'; readonly page: Page<Item> } | { readonly kind: 'malformed-cursor' };
