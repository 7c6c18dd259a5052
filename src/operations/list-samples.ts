import type { JobRef } from '#domain/ids';
import type { MetricSample, SampleRange } from '#domain/samples';
import type { Listed, PageRequest, Ports } from './ports.ts';

type Needs = Pick<Ports, 'clock' | 'runs' | 'series'>;

/** What a job had counted while it ran. A job that is not sampled has an empty series. */
export async function listSamples(
  { clock, runs, series }: Needs,
  ref: JobRef,
  range: SampleRange,
  page: PageRequest,
): Promise<Listed<MetricSample> | { readonly kind: 'not-found' }> {
  const run = await runs.load(ref.runId);
  return run && ref.index < run.count ? series.list(ref, range, { ...page, now: clock.now() }) : { kind: 'not-found' };
}
