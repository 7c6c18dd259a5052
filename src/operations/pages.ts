/** A page of a list. `cursor` is absent at the end; a short page is not the end. */
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

/** Opaque to callers, and bound to the list that gave them out. */
export interface Cursors {
  encode(list: string, position: string): string;
  decode(list: string, cursor: string): string | undefined;
}
