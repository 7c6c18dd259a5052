/** Samples of running jobs, one item each, that go by themselves after a month. */
import { StoredSample } from '#contract/stored';
import { epochMs, instant, type Instant } from '#domain/ids';
import { idOf } from '#domain/job';
import type { MetricSample } from '#domain/samples';
import type { MetricSeries } from '#operations/ports';
import { decodeCursor, encodeCursor } from './cursors.ts';
import { decode } from './decoding.ts';
import { keys } from './keys.ts';
import type { Item, Table } from './table.ts';

const KEPT_SECONDS = 30 * 86_400;

export function dynamoMetricSeries(table: Table): MetricSeries {
  return {
    async add(samples) {
      await table.writeAll(samples.map((sample) => ({ kind: 'put', item: itemOf(sample) })));
    },
    async list(ref, range, page) {
      const list = `samples ${idOf(ref)} ${JSON.stringify(range)}`;
      const after = page.cursor === undefined ? undefined : decodeCursor(list, page.cursor);
      if (page.cursor !== undefined && after === undefined) return { kind: 'malformed-cursor' };
      const { first, last } = keys.sampleBounds({ ...range, from: notExpired(range.from, page.now) });
      const isPast = after !== undefined && (range.newestFirst ? after <= first : after >= last);
      if (first > last || isPast) return { kind: 'page', page: { items: [] } };
      const { items, next } = await table.query({
        pk: keys.historyPartition(ref),
        from: first,
        to: last,
        limit: page.limit,
        newestFirst: range.newestFirst,
        // What has expired since the page before lies outside of what is asked for.
        ...(after === undefined || after < first ? {} : { after }),
      });
      const samples = items.map((item) => decode(StoredSample, item));
      return {
        kind: 'page',
        page: {
          items: samples.map((sample) => ({ ...ref, ...sample })),
          ...(next === undefined ? {} : { cursor: encodeCursor(list, next) }),
        },
      };
    },
  };
}

/** Expired items may still be there: DynamoDB deletes them late, and the embedded one never. */
function notExpired(from: Instant | undefined, now: Instant): Instant {
  const oldest = instant(epochMs(now) - KEPT_SECONDS * 1000 + 1);
  return from !== undefined && from > oldest ? from : oldest;
}

function itemOf({ runId, index, ...sample }: MetricSample): Item {
  return { ...keys.sample({ runId, index }, sample.at), ...sample, expiresAt: Math.floor(epochMs(sample.at) / 1000) + KEPT_SECONDS };
}
