/**
 * The outputs of jobs. Each indexing writes rows of its own; one small item says which indexing counts, so that its outputs
 * replace those of the one before at once. What no indexing that counts has written goes with the next one.
 */
import { StoredJobOutput, StoredOutputIndex } from '#contract/stored-reported';
import type { ReportedJobId } from '#domain/ids';
import type { OutputIndex } from '#domain/job-output';
import type { JobOutputStore } from '#operations/job-ports';
import { decodeCursor, encodeCursor } from './cursors.ts';
import { decodeDocument, documentItem } from './decoding.ts';
import { keys } from './keys.ts';
import type { Table } from './table.ts';

export function dynamoJobOutputStore(table: Table): JobOutputStore {
  const indexOf: JobOutputStore['index'] = async (id) => {
    const item = await table.get(keys.outputIndex(id));
    return item && decodeDocument(StoredOutputIndex, item);
  };
  return {
    put: (id, sequence, outputs) =>
      table.writeAll(outputs.map((output) => ({ kind: 'put', item: documentItem(keys.jobOutput(id, sequence, output.key), output) }))),
    async publish(id, index) {
      const outcome = await table.write({
        kind: 'put',
        item: documentItem(keys.outputIndex(id), index, { sequence: index.sequence }),
        guard: { text: 'attribute_not_exists(pk) OR #sequence < :sequence', values: { ':sequence': index.sequence } },
      });
      const newest = outcome.kind === 'done' ? index : await indexOf(id);
      if (newest) await removeOlder(table, id, newest);
    },
    index: indexOf,
    async list(id, { sequence }, { limit, cursor }) {
      const pk = keys.jobItems(id);
      const prefix = keys.jobOutputPrefix(sequence);
      const list = `${pk}/${prefix}`;
      const after = cursor === undefined ? undefined : decodeCursor(list, cursor);
      if (cursor !== undefined && after === undefined) return { kind: 'malformed-cursor' };
      const { items, next } = await table.query({ pk, prefix, limit, ...(after === undefined ? {} : { after }) });
      const outputs = items.map((item) => decodeDocument(StoredJobOutput, item));
      return { kind: 'page', page: { items: outputs, ...(next === undefined ? {} : { cursor: encodeCursor(list, next) }) } };
    },
  };
}

const REMOVED_AT_ONCE = 500;

async function removeOlder(table: Table, id: ReportedJobId, { sequence }: OutputIndex): Promise<void> {
  const older = { pk: keys.jobItems(id), from: keys.jobOutputPrefix(0), to: keys.jobOutputPrefix(sequence), limit: REMOVED_AT_ONCE };
  for (;;) {
    const { items } = await table.query({ ...older, consistent: true });
    if (items.length === 0) return;
    await table.writeAll(items.map(({ pk, sk }) => ({ kind: 'delete', key: { pk, sk } })));
  }
}
