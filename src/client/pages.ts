/** Lists come in pages. A short page is not the end; only a page without a cursor is. */
import type { PageView, Unreadable } from '#contract/views';

export interface PageOptions {
  /** Items of one page, 1 to 500. */
  readonly limit?: number;
  /** `next-cursor` of the page before. */
  readonly cursor?: string;
}

/** Of a list that is gone through. */
export interface EveryOptions extends Pick<PageOptions, 'limit'> {
  /** Told of what a page leaves out because it cannot be read; without this it is left out silently. */
  readonly onUnreadable?: ((left: readonly Unreadable[]) => void) | undefined;
}

/** Every item of a list, asking for the next page when one is used up. */
export async function* itemsOf<Item, Options extends object>(
  list: (options: Options & Pick<PageOptions, 'cursor'>) => Promise<PageView<Item>>,
  options: Options & Pick<EveryOptions, 'onUnreadable'>,
): AsyncGenerator<Item, void, undefined> {
  let page = await list(options);
  for (;;) {
    if (page.unreadable) options.onUnreadable?.(page.unreadable);
    yield* page.items;
    const cursor = page['next-cursor'];
    if (cursor === undefined) return;
    page = await list({ ...options, cursor });
  }
}

/** `?a=1&b=2` of what is given; nothing where nothing is. */
export function query(parameters: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}
