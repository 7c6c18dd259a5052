/** What the state machines do with a run, on the world's clock; and what must be true of a run that has ended. */
import { expect } from 'vitest';
import { epochMs } from '#domain/ids';
import { isSettled, type HistoryEntry, type Job } from '#domain/job';
import { nextJobState } from '#domain/job-state';
import type { JsonObject } from '#domain/json';
import { addCounts, countsChange, isFinal, NO_COUNTS, RUN_STATES, type Run, type RunCounts } from '#domain/run';
import { planRun } from '#operations/plan-run';
import { pollRun } from '#operations/poll-run';
import type { Engine } from '#operations/ports';
import { startJob } from '#operations/start-job';
import { startRun, type StartRun } from '#operations/start-run';
import type { SleepEngine } from '#test/support/sleep-engine';
import { request, type World } from './world.ts';

export async function accepted(it: World, sets: readonly JsonObject[], change: Partial<StartRun> = {}): Promise<Run> {
  const outcome = await startRun(it.ports, request({ sets, ...change }));
  if (outcome.kind !== 'started') throw new Error(outcome.kind);
  return it.loadRun(outcome.run);
}

/** The token of a child; each attempt of the run has children of its own. */
export const tokenOf = (run: Run, index: number): string => `${run.id} a${run.attempt} ${index}`;

/** PlanRun under the execution that `startRun` started, and a child for each of its jobs. */
export async function executed(it: World, { id }: Pick<Run, 'id'>): Promise<Run> {
  const run = await it.ports.runs.load(id);
  if (!run) throw new Error(`${id} is not there`);
  const outcome = await planRun(it.ports, { kind: 'accepted', execution: it.orchestrator.executionOf(run), runId: id });
  if (outcome.kind === 'planned') await children(it, outcome.run, outcome.indexes);
  return it.loadRun(run);
}

export async function children(
  it: World,
  run: Run,
  indexes: readonly number[] = Array.from({ length: run.count }, (_, index) => index),
): Promise<void> {
  for (const index of indexes) await startJob(it.ports, { runId: run.id, index, attempt: run.attempt, taskToken: tokenOf(run, index) });
}

/** Accepted, planned, and every child started. */
export async function begun(it: World, sets: readonly JsonObject[], change: Partial<StartRun> = {}): Promise<Run> {
  return executed(it, await accepted(it, sets, change));
}

/** As its last watch loop does, until the run has ended: how many seconds that took. */
export async function secondsToEnd(it: World, run: Pick<Run, 'id'>): Promise<number> {
  const from = epochMs(it.ports.clock.now());
  for (let ticks = 0; ticks < 500; ticks += 1) {
    const { ended, delaySeconds } = await pollRun(it.ports, { runId: run.id });
    if (ended) return (epochMs(it.ports.clock.now()) - from) / 1000;
    it.advance(delaySeconds);
  }
  throw new Error('the run has not ended after 500 ticks');
}

export async function ended(it: World, sets: readonly JsonObject[], change: Partial<StartRun> = {}): Promise<Run> {
  const run = await begun(it, sets, change);
  await secondsToEnd(it, run);
  return it.loadRun(run);
}

export async function jobsOf(it: World, run: Run): Promise<readonly Job[]> {
  return it.ports.jobs.loadRange(run, 0, run.count);
}

export async function historyOf(it: World, run: Pick<Run, 'id'>, index = 0): Promise<readonly HistoryEntry[]> {
  const listed = await it.ports.jobs.history({ runId: run.id, index }, { limit: 100 });
  if (listed.kind !== 'page') throw new Error(listed.kind);
  return listed.page.items;
}

/** In a word each, with the reason of a failure: `FINISHED`, `cancelled`. */
export async function endsOf(it: World, run: Run): Promise<readonly string[]> {
  return (await jobsOf(it, run)).map(({ state, failure }) => failure?.reason ?? state);
}

/** What still runs on the engine. */
export function activeOn({ jobs }: SleepEngine, now: string): readonly string[] {
  return [...jobs.values()]
    .filter(({ endsAtMs, stoppedAtMs }) => stoppedAtMs === undefined && endsAtMs > Date.parse(now))
    .map(({ name }) => name);
}

/** The run has ended, and everything that is said about it in more than one place agrees. */
export async function expectSound(it: World, { id }: Pick<Run, 'id'>): Promise<void> {
  const run = await it.ports.runs.load(id);
  if (!run || !isFinal(run)) throw new Error(`${id} has not ended`);
  const jobs = await jobsOf(it, run);
  expect(jobs.filter((job) => !isSettled(job))).toEqual([]);
  const recount = jobs.map((job) => countsChange(undefined, job)).reduce(addCounts, NO_COUNTS);
  expect([await it.ports.jobs.counts(run), run.counts]).toEqual([recount, recount]);
  expect(await it.ports.jobs.open(run)).toEqual([]);
  // The row of a child that came after the end may stay; nobody may wait under it.
  const tokens = await it.ports.jobs.taskTokens(run, jobs);
  expect(tokens.filter(({ taskToken }) => !it.orchestrator.released.has(taskToken))).toEqual([]);
  for (const job of jobs) expectLegal(job, await historyOf(it, run, job.index));
  const states = await Promise.all(
    RUN_STATES.map(async (state) => {
      const listed = await it.ports.runs.list({ state, userRunId: run.userRunId }, { limit: 100 });
      return listed.kind === 'page' && listed.page.items.some((one) => one.id === id) ? [state] : [];
    }),
  );
  expect(states.flat()).toEqual([run.state]);
  expect(await totalsOf(it)).toEqual(await recountedTotals(it));
}

function expectLegal(job: Job, history: readonly HistoryEntry[]): void {
  expect(history.map(({ sequence }) => sequence)).toEqual(history.map((_, place) => place + 1));
  for (const [place, { from, name, to }] of history.entries()) {
    expect(from).toBe(history[place - 1]?.to ?? null);
    if (from !== null) expect(nextJobState(from, name)).toBe(to);
  }
  expect(history.at(-1)).toMatchObject({ to: job.state, attempt: job.attempt, sequence: job.sequence });
}

async function totalsOf(it: World): Promise<RunCounts> {
  const listed = await it.ports.runs.totals({}, { limit: 100 });
  if (listed.kind !== 'page') throw new Error(listed.kind);
  return listed.page.items.map(({ day: _day, runs: _runs, ...counts }) => counts).reduce(addCounts, NO_COUNTS);
}

/** Of every run as it ended last; one that was reopened counts as it had ended until it ends again. */
async function recountedTotals(it: World): Promise<RunCounts> {
  const listed = await it.ports.runs.list({}, { limit: 500 });
  if (listed.kind !== 'page') throw new Error(listed.kind);
  return listed.page.items.map(({ counts }) => counts ?? NO_COUNTS).reduce(addCounts, NO_COUNTS);
}

/** An engine that stops a job when it is asked, when it is forced, or never. */
export const obeying =
  (when: 'asked' | 'forced' | 'never') =>
  (engine: SleepEngine): Engine => ({
    ...engine,
    stop: (id, options) => (when === 'asked' || (when === 'forced' && options.force) ? engine.stop(id, options) : Promise.resolve()),
  });

/** Every run by a watch loop of its own, in the order of their times, until all have ended; `look` is called after each tick. */
export async function watchedTogether(
  it: World,
  runs: readonly Pick<Run, 'id'>[],
  look: () => void | Promise<void> = () => undefined,
): Promise<void> {
  const due = new Map(runs.map(({ id }) => [id, epochMs(it.ports.clock.now())]));
  for (let ticks = 0; due.size > 0; ticks += 1) {
    if (ticks > 2000) throw new Error('some run has not ended after 2,000 ticks');
    const [id, atMs] = [...due].reduce((first, each) => (each[1] < first[1] ? each : first));
    it.advance(Math.max(0, atMs - epochMs(it.ports.clock.now())) / 1000);
    const { ended: hasEnded, delaySeconds } = await pollRun(it.ports, { runId: id });
    if (hasEnded) due.delete(id);
    else due.set(id, epochMs(it.ports.clock.now()) + delaySeconds * 1000);
    await look();
  }
}
