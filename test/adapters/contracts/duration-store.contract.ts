/** What every duration store promises to the operations (src/operations/ports.ts). */
import { beforeAll, expect, test } from 'vitest';
import type { TemplateId } from '#domain/ids';
import type { DurationStore } from '#operations/ports';

export function durationStoreContract(makeStore: () => Promise<DurationStore>): void {
  let store: DurationStore;
  beforeAll(async () => {
    store = await makeStore();
  });
  const id = (name: string): TemplateId => `tmpl_${name}` as TemplateId;

  test('of a template none of whose jobs has finished there are none', async () => {
    expect(await store.load(id('new'))).toEqual([]);
  });

  test('what is added comes after what was there, of each template its own', async () => {
    await store.add(id('a'), [1, 2.5]);
    await store.add(id('a-b'), [9]);
    await store.add(id('a'), [3]);
    expect(await store.load(id('a'))).toEqual([1, 2.5, 3]);
    expect(await store.load(id('a-b'))).toEqual([9]);
  });

  test('the last hundred are kept, to a tenth of a second', async () => {
    for (let run = 0; run < 6; run += 1)
      await store.add(
        id('many'),
        Array.from({ length: 25 }, (_, index) => run * 25 + index + 0.04),
      );
    expect(await store.load(id('many'))).toEqual(Array.from({ length: 100 }, (_, index) => 50 + index));
  });

  test('of two that add at once one may be lost, and nothing else', async () => {
    await store.add(id('rivals'), [1]);
    await Promise.all([store.add(id('rivals'), [2]), store.add(id('rivals'), [3])]);
    const kept = await store.load(id('rivals'));
    expect([
      [1, 2],
      [1, 3],
      [1, 2, 3],
      [1, 3, 2],
    ]).toContainEqual(kept);
  });
}
