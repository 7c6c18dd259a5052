/** How long the jobs of a template took: one small item, rewritten when a run has ended. */
import { StoredDurations } from '#contract/stored';
import { withDurations, type Durations } from '#domain/durations';
import type { TemplateId } from '#domain/ids';
import type { DurationStore } from '#operations/ports';
import { decode } from './decoding.ts';
import { keys } from './keys.ts';
import type { Table } from './table.ts';

export function dynamoDurationStore(table: Table): DurationStore {
  const load = async (id: TemplateId): Promise<Durations> => {
    const item = await table.get(keys.durations(id));
    return item ? decode(StoredDurations, item).seconds : [];
  };
  return {
    load,
    async add(id, durations) {
      const seconds = JSON.stringify(withDurations(await load(id), durations));
      await table.write({ kind: 'put', item: { ...keys.durations(id), seconds } });
    },
  };
}
