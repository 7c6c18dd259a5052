/** Lists of the API, read to their ends. */
import { expect } from 'vitest';
import type { ApiWorld } from './api-world.ts';

export interface Reading {
  readonly path?: Record<string, string>;
  readonly query?: Record<string, string>;
  readonly limit: number;
}

/** A list to its end, and that no page is longer than asked for. */
export async function listed<Item>(world: ApiWorld, routeKey: string, { path = {}, query = {}, limit }: Reading): Promise<readonly Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const { status, body } = await world.ask(routeKey, {
      path,
      query: { ...query, limit: String(limit), ...(cursor === undefined ? {} : { cursor }) },
    });
    expect(status).toBe(200);
    const page = body['items'] as readonly Item[];
    expect(page.length).toBeLessThanOrEqual(limit);
    items.push(...page);
    cursor = body['next-cursor'] as string | undefined;
  } while (cursor !== undefined);
  return items;
}
