/** A page of a list. `cursor` is absent at the end; a short page is not the end. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** What stands in the list and cannot be read: left out, so that the others are answered. Absent where there is none. */
  readonly unreadable?: readonly Unreadable[];
  readonly cursor?: string;
}

/** By the id of what it is the item of, or part of. Whether it fits a filter is not known. */
export interface Unreadable {
  readonly id: string;
  /** Names the item. */
  readonly detail: string;
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
