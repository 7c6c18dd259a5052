/** Stores what streaming jobs have counted so far, once in every interval. A sample that cannot be had is left out. */
import { secondsBetween, type Instant } from '#domain/ids';
import type { Job } from '#domain/job';
import type { Run } from '#domain/run';
import { isSampled, type MetricSample, type SampleClock, isSampleDue } from '#domain/samples';
import { countsOf } from './care-for-ended.ts';
import { inTurns } from './in-turns.ts';
import type { Engine, Ports } from './ports.ts';

type Needs = Pick<Ports, 'clock' | 'randomness' | 'series'>;

export interface Sampling {
  readonly run: Run;
  readonly engine: Engine;
  readonly clock: SampleClock;
  readonly jobs: readonly Job[];
  readonly lookedAt: Instant | undefined;
  readonly now: Instant;
}

export interface Sampled {
  readonly samples: number;
  readonly metricsCalls: number;
}

/** A tick has more to do. */
const SAMPLING_SECONDS = 30;

export async function sampleMetrics(ports: Needs, { engine, clock, jobs, lookedAt, now }: Sampling): Promise<Sampled> {
  if (!isSampleDue(clock, lookedAt, now)) return { samples: 0, metricsCalls: 0 };
  const running = jobs.filter(isSampled);
  const samples: MetricSample[] = [];
  let metricsCalls = 0;
  // Where the time does not suffice for all, it is not always the same ones that go without.
  const first = Math.floor(ports.randomness.fraction() * running.length);
  await inTurns([...running.slice(first), ...running.slice(0, first)], async ({ runId, index, attempt, start }) => {
    if (secondsBetween(now, ports.clock.now()) >= SAMPLING_SECONDS) return;
    metricsCalls += 1;
    const { metrics } = await countsOf(engine, start.engineJobId);
    if (metrics === undefined) return;
    const { engineId, inputRecordCount, outputRecordCount, errorRecordCount } = metrics;
    const counts = { inputRecordCount, outputRecordCount, errorRecordCount };
    samples.push({ runId, index, attempt, at: ports.clock.now(), ...(engineId === undefined ? {} : { engineId }), ...counts });
  });
  if (samples.length > 0) await ports.series.add(samples);
  return { samples: samples.length, metricsCalls };
}
