/** The first `limit` items of a list, and whether it has more. */
export interface Taken<Item> {
  readonly items: readonly Item[];
  readonly more: boolean;
}

const PAGE_MOST = 500;

/** `list` is asked for pages that hold one item more than is wanted: that one says whether there is more. */
export async function take<Item>(limit: number, list: (page: { readonly limit: number }) => AsyncIterable<Item>): Promise<Taken<Item>> {
  const items: Item[] = [];
  for await (const item of list({ limit: Math.min(limit + 1, PAGE_MOST) })) {
    if (items.length === limit) return { items, more: true };
    items.push(item);
  }
  return { items, more: false };
}
