/** A crowded host: how soon a small run starts among large ones, and how long a tick of a large run takes beside its interval. */
import type { RunId } from '#domain/ids';
import { pollRun } from '#operations/poll-run';
import { sleepingSets, type BenchService } from './service.ts';

type Row = readonly [what: string, figure: string, budget: string];

const LARGE_RUNS = 20;
const LARGE_SETS = 2000;
const OPEN_JOBS = 10_000;
const TICKS = 5;

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

/** The large runs are accepted and at work when the small one comes: most of their jobs have not been started by then. */
export async function smallRunAmongLarge(service: BenchService): Promise<Row> {
  for (let number = 0; number < LARGE_RUNS; number += 1) await service.post(`large-${number}`, sleepingSets(LARGE_SETS, 600));
  const from = performance.now();
  const small = await service.post('small', sleepingSets(1, 600));
  await service.until(`/v1/jobs/${small['job-ids'][0] ?? ''}`, (job) => 'engine-job-id' in job);
  return [`a run of 1 set is started, among ${LARGE_RUNS} runs of ${LARGE_SETS} sets`, seconds(performance.now() - from), '10 s'];
}

export async function tickOfManyJobs(service: BenchService): Promise<Row> {
  const { 'run-id': runId } = await service.post('open', sleepingSets(OPEN_JOBS, 3600));
  while (service.sleep.jobs.size < OPEN_JOBS) await new Promise((resolve) => setTimeout(resolve, 500));
  const ticks: { readonly ms: number; readonly delaySeconds: number }[] = [];
  while (ticks.length < TICKS) {
    const from = performance.now();
    const { delaySeconds } = await pollRun(service.ports, { runId: runId as RunId });
    const ms = performance.now() - from;
    // The watch loop had it, and this one only left word.
    if (ms > 50) ticks.push({ ms, delaySeconds });
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const told = ticks.map(({ ms, delaySeconds }) => `${seconds(ms)} of ${delaySeconds} s`).join(', ');
  return [`ticks with ${OPEN_JOBS.toLocaleString('en')} open jobs, and the interval after each`, told, 'less than it'];
}
