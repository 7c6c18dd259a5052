/**
 * Who holds slots of what is limited across runs. A resource has one item with its version, and one for each holder: holders
 * are read together, and changed only together with the version, so that two ticks never grant the same slot.
 */
import { StoredSlotHolder, StoredSlots } from '#contract/stored';
import type { SlotHold, SlotRead, SlotStore } from '#operations/ports';
import { decode } from './decoding.ts';
import { keys } from './keys.ts';
import type { Action, Table } from './table.ts';

export function dynamoSlotStore(table: Table): SlotStore {
  return {
    load: (resource) => load(table, resource),
    async hold(holds) {
      const outcome = await table.transact(holds.flatMap(actionsOf));
      return outcome.kind === 'done' ? 'held' : 'conflict';
    },
    async resources() {
      const items = await table.queryAll({ pk: keys.slotResources, consistent: true });
      return items.map(({ sk }) => sk);
    },
  };
}

/** The version first: holders that change while they are read make it an old one. */
async function load(table: Table, resource: string): Promise<SlotRead> {
  const item = await table.get(keys.slots(resource));
  const holders = await table.queryAll({ pk: keys.slotHolders(resource), consistent: true });
  const { version, starts, startsAt } = item ? decode(StoredSlots, item) : { version: 0 };
  return {
    resource,
    version,
    holders: holders.map((holder) => {
      const { sk, ...rest } = decode(StoredSlotHolder, holder);
      return { runId: sk, ...rest };
    }),
    ...(starts === undefined || startsAt === undefined ? {} : { budget: { starts, at: startsAt } }),
  };
}

function actionsOf({ read, holder, budget = read.budget }: SlotHold): readonly Action[] {
  const { resource, version } = read;
  const { runId, ...held } = holder;
  const key = keys.slotHolder(resource, runId);
  const item = { ...keys.slots(resource), version: version + 1, ...(budget ? { starts: budget.starts, startsAt: budget.at } : {}) };
  const guard = version === 0 ? { text: 'attribute_not_exists(pk)' } : { text: '#version = :expected', values: { ':expected': version } };
  return [
    { kind: 'put', item, guard },
    held.held === 0 && held.waiting === 0 ? { kind: 'delete', key } : { kind: 'put', item: { ...key, ...held } },
  ];
}
