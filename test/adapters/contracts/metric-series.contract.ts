/** What every series of samples promises to the operations (src/operations/ports.ts). */
import { beforeAll, expect, test } from 'vitest';
import type { JobRef } from '#domain/ids';
import type { MetricSample, SampleRange } from '#domain/samples';
import type { MetricSeries } from '#operations/ports';
import { at, nextRunId } from '#test/domain/builders';

const DAY = 86_400;

export function metricSeriesContract(makeSeries: () => Promise<MetricSeries>): void {
  let series: MetricSeries;
  beforeAll(async () => {
    series = await makeSeries();
  });
  const sample = (ref: JobRef, seconds: number, count = seconds): MetricSample => ({
    ...ref,
    attempt: 1,
    at: at(seconds),
    engineId: 'sdc',
    inputRecordCount: count,
    outputRecordCount: 0,
    errorRecordCount: 0,
  });
  const secondsOf = async (ref: JobRef, range: Partial<SampleRange> = {}, now = 100, limit = 3): Promise<readonly number[]> => {
    const found: number[] = [];
    let cursor: string | undefined;
    do {
      const page = { limit, now: at(now), ...(cursor === undefined ? {} : { cursor }) };
      const listed = await series.list(ref, { newestFirst: false, ...range }, page);
      if (listed.kind !== 'page') throw new Error(listed.kind);
      expect(listed.page.items.length).toBeLessThanOrEqual(limit);
      found.push(...listed.page.items.map(({ inputRecordCount }) => inputRecordCount));
      ({ cursor } = listed.page);
    } while (cursor !== undefined);
    return found;
  };

  test('samples come by time, of each job its own, from either end, in pages', async () => {
    const [ref, other] = [
      { runId: nextRunId(), index: 0 },
      { runId: nextRunId(), index: 0 },
    ];
    await series.add([5, 1, 3, 2, 4].map((second) => sample(ref, second)));
    await series.add([sample(other, 9), sample({ ...ref, index: 1 }, 8)]);
    expect(await secondsOf(ref)).toEqual([1, 2, 3, 4, 5]);
    expect(await secondsOf(ref, { newestFirst: true })).toEqual([5, 4, 3, 2, 1]);
    expect(await secondsOf(ref, { from: at(2), to: at(4) })).toEqual([2, 3, 4]);
    expect(await secondsOf(ref, { from: at(2), to: at(4), newestFirst: true }, 100, 1)).toEqual([4, 3, 2]);
    expect(await secondsOf(ref, { from: at(6) })).toEqual([]);
    expect(await secondsOf(ref, { from: at(4), to: at(2) })).toEqual([]);
    const listed = await series.list(ref, { newestFirst: false }, { limit: 1, now: at(9) });
    expect(listed).toMatchObject({ page: { items: [sample(ref, 1)] } });
  });

  test('a sample that is added again is there once, and the job’s history has none of them', async () => {
    const ref = { runId: nextRunId(), index: 0 };
    for (const _ of [1, 2]) await series.add([sample(ref, 1)]);
    expect(await secondsOf(ref)).toEqual([1]);
    await series.add([]);
  });

  test('a sample is gone after 30 days, whether it was deleted or not', async () => {
    const ref = { runId: nextRunId(), index: 0 };
    await series.add([sample(ref, 0), sample(ref, DAY)]);
    expect(await secondsOf(ref, {}, 30 * DAY - 1)).toEqual([0, DAY]);
    expect(await secondsOf(ref, {}, 30 * DAY)).toEqual([DAY]);
  });

  test('a cursor of another job or another range is malformed', async () => {
    const ref = { runId: nextRunId(), index: 0 };
    await series.add([1, 2].map((second) => sample(ref, second)));
    const listed = await series.list(ref, { newestFirst: false }, { limit: 1, now: at(9) });
    const cursor = listed.kind === 'page' ? (listed.page.cursor ?? '') : '';
    const page = { limit: 1, cursor, now: at(9) };
    expect(await series.list(ref, { newestFirst: true }, page)).toEqual({ kind: 'malformed-cursor' });
    expect(await series.list({ ...ref, index: 1 }, { newestFirst: false }, page)).toEqual({ kind: 'malformed-cursor' });
  });
}
