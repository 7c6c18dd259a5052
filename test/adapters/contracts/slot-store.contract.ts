/** What every slot store promises to the operations (src/operations/ports.ts). */
import { beforeAll, expect, test } from 'vitest';
import type { SlotHolder } from '#domain/slots';
import type { SlotRead, SlotStore } from '#operations/ports';
import { at, nextRunId } from '#test/domain/builders';

export function slotStoreContract(makeStore: () => Promise<SlotStore>): void {
  let store: SlotStore;
  beforeAll(async () => {
    store = await makeStore();
  });

  const holder = (held: number, waiting = 0): SlotHolder => ({ runId: nextRunId(), held, waiting, until: at(600) });
  const held = async (resource: string, ...holders: readonly SlotHolder[]): Promise<SlotRead> => {
    for (const one of holders) expect(await store.hold([{ read: await store.load(resource), holder: one }])).toBe('held');
    return store.load(resource);
  };
  const byRun = (holders: readonly SlotHolder[]): readonly SlotHolder[] => holders.toSorted((a, b) => (a.runId < b.runId ? -1 : 1));

  test('a resource that nobody has held is free, and is no resource yet', async () => {
    expect(await store.load('template:tmpl_new')).toEqual({ resource: 'template:tmpl_new', version: 0, holders: [] });
    expect(await store.resources()).not.toContain('template:tmpl_new');
  });

  test('who holds what reads back as it was written, and the last word of a run replaces its words before', async () => {
    const [ada, bob] = [holder(3, 7), holder(0, 1)];
    await held('engine:a', ada, bob);
    const last = { ...ada, held: 2, waiting: 0, until: at(900) };
    const read = await held('engine:a', last);
    expect(byRun(read.holders)).toEqual([last, bob]);
    expect(await store.resources()).toContain('engine:a');
  });

  test('of two that hold at once after one reading, exactly one does, and the other leaves no trace', async () => {
    const read = await held('engine:b', holder(1));
    const rivals = [holder(5), holder(6)];
    const outcomes = await Promise.all(rivals.map((rival) => store.hold([{ read, holder: rival }])));
    expect(outcomes.toSorted()).toEqual(['conflict', 'held']);
    const winner = rivals[outcomes.indexOf('held')];
    const { holders } = await store.load('engine:b');
    expect(byRun(holders)).toEqual(byRun([...read.holders, ...(winner ? [winner] : [])]));
  });

  test('of two that hold at once what nobody has held before, exactly one does', async () => {
    const read = await store.load('engine:c');
    const outcomes = await Promise.all([1, 2].map((count) => store.hold([{ read, holder: holder(count) }])));
    expect(outcomes.toSorted()).toEqual(['conflict', 'held']);
    expect((await store.load('engine:c')).holders).toHaveLength(1);
  });

  test('who changes nothing but its own word still makes every reading before it an old one', async () => {
    const own = holder(1);
    const before = await held('engine:d', own);
    await held('engine:d', own);
    expect(await store.hold([{ read: before, holder: own }])).toBe('conflict');
  });

  test('a holder of nothing that wants nothing goes; one that only waits stays', async () => {
    const [gone, waits] = [holder(2), holder(2)];
    await held('engine:e', gone, waits);
    const read = await held('engine:e', { ...gone, held: 0 }, { ...waits, held: 0, waiting: 1 });
    expect(read.holders).toEqual([{ ...waits, held: 0, waiting: 1 }]);
    // It may go again, and somebody may go who never came.
    expect((await held('engine:e', { ...gone, held: 0 }, holder(0))).holders).toHaveLength(1);
  });

  test('two resources are held together or not at all', async () => {
    const own = holder(4);
    const [one, two] = [await store.load('engine:f'), await held('template:f', holder(1))];
    await held('template:f', holder(1));
    expect(await store.hold([one, two].map((read) => ({ read, holder: own })))).toBe('conflict');
    expect(await store.load('engine:f')).toEqual(one);
    expect((await store.load('template:f')).holders.map(({ runId }) => runId)).not.toContain(own.runId);

    const again = [await store.load('engine:f'), await store.load('template:f')];
    expect(await store.hold(again.map((read) => ({ read, holder: own })))).toBe('held');
    for (const { resource } of again) expect((await store.load(resource)).holders).toContainEqual(own);
  });

  test('a budget of starts is kept until another is written, whoever comes in between', async () => {
    const budget = { starts: 2.5, at: at(7) };
    expect(await store.hold([{ read: await store.load('engine:g'), holder: holder(1), budget }])).toBe('held');
    expect((await store.load('engine:g')).budget).toEqual(budget);
    expect((await held('engine:g', holder(1))).budget).toEqual(budget);
    const next = { starts: 0, at: at(8) };
    await store.hold([{ read: await store.load('engine:g'), holder: holder(1), budget: next }]);
    expect((await store.load('engine:g')).budget).toEqual(next);
  });

  test('resources are told apart, also where one name begins like the other', async () => {
    await held('template:tmpl_x', holder(1));
    await held('template:tmpl_x-y', holder(2));
    expect((await store.load('template:tmpl_x')).holders.map((each) => each.held)).toEqual([1]);
    const names = (await store.resources()).filter((name) => name.startsWith('template:tmpl_x'));
    expect(names.toSorted()).toEqual(['template:tmpl_x', 'template:tmpl_x-y']);
  });
}
