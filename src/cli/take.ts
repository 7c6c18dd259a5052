import type { Unreadable } from '#contract/views';
import type { Output } from './command.ts';

/** The first `limit` items of a list, and whether it has more. */
export interface Taken<Item> {
  readonly items: readonly Item[];
  readonly more: boolean;
  /** What the pages left out. */
  readonly unreadable: readonly Unreadable[];
}

const PAGE_MOST = 500;

/** `list` is asked for pages that hold one item more than is wanted: that one says whether there is more. */
export async function take<Item>(limit: number, list: (page: Page) => AsyncIterable<Item>): Promise<Taken<Item>> {
  const items: Item[] = [];
  const unreadable: Unreadable[] = [];
  const onUnreadable: Page['onUnreadable'] = (left) => unreadable.push(...left);
  for await (const item of list({ limit: Math.min(limit + 1, PAGE_MOST), onUnreadable })) {
    if (items.length === limit) return { items, more: true, unreadable };
    items.push(item);
  }
  return { items, more: false, unreadable };
}

interface Page {
  readonly limit: number;
  readonly onUnreadable: (left: readonly Unreadable[]) => void;
}

/** A list that is not whole says so, whatever form it is shown in. */
export function tellUnreadable(stderr: Output, unreadable: readonly Unreadable[]): void {
  for (const { id, detail } of unreadable) stderr.write(`Left out: ${id} cannot be read: ${detail}.\n`);
}
