/** What must hold once everything has come to rest. Reads the table as it is, past all faults. */
import { dynamoJobStore } from '#adapters/dynamodb/job-store';
import { keys } from '#adapters/dynamodb/keys';
import { dynamoRunStore } from '#adapters/dynamodb/run-store';
import { dynamoSlotStore } from '#adapters/dynamodb/slot-store';
import { engineJobName } from '#domain/ids';
import { isSettled, type HistoryEntry, type Job } from '#domain/job';
import { addCounts, isFinal, NO_COUNTS, RUN_STATES, type Run, type RunCounts } from '#domain/run';
import type { World } from './world.ts';

type AtRest = Pick<World, 'table' | 'seen' | 'executions' | 'engines' | 'clocksAgree'>;

/** What is left to be done; empty when the world is at rest. */
export function unrest({ seen, executions }: Pick<AtRest, 'seen' | 'executions'>): readonly string[] {
  const runs = [...seen.runs.values()]
    .filter((run) => !isFinal(run) || run.collecting === true)
    .map(({ id, state }) => `${id} is ${state}, and something is left to do for it`);
  const running = [...executions.byArn.values()].filter(({ status }) => status === 'RUNNING');
  return [...runs, ...running.map(({ machine, name }) => `${machine} execution ${name} goes on`)];
}

export async function problemsAtRest(world: AtRest): Promise<readonly string[]> {
  const problems: string[] = [];
  const runs = [...world.seen.runs.values()];
  for (const run of runs) problems.push(...(await problemsOfRun(world, run)));
  problems.push(...(await listProblems(world, runs)), ...(await totalsProblems(world, runs)), ...(await slotProblems(world)));
  for (const { job, history } of world.seen.jobs.values()) problems.push(...aftercareProblems(world, job, history));
  for (const [token, { index }] of world.executions.parked) problems.push(`job ${index} has settled and ${token} is still parked`);
  problems.push(...engineProblems(world));
  return problems;
}

async function problemsOfRun({ table, seen }: AtRest, run: Run): Promise<readonly string[]> {
  const store = dynamoJobStore(table);
  const counted = await store.counts(run);
  const recount = seen.recount(run);
  const open = await store.open(run);
  const ofKey = await dynamoRunStore(table).earlierRequest({ userId: run.userId, userRunId: run.userRunId, now: run.createdAt });
  return [
    ...differing(`${run.id} counts its jobs as`, counted, recount),
    ...differing(`${run.id} ended with counts of`, run.counts ?? NO_COUNTS, recount),
    ...open.filter((job) => !isSettled(job)).map(({ index }) => `job ${index} of ${run.id} is open in the row that ticks read`),
    ...(ofKey?.runId === run.id ? [] : [`${run.id} was accepted beside ${ofKey?.runId ?? 'nothing'} under the same key`]),
  ];
}

async function listProblems({ table }: AtRest, runs: readonly Run[]): Promise<readonly string[]> {
  const listed: string[] = [];
  for (const state of RUN_STATES) {
    const rows = await table.queryAll({ pk: keys.runsInState(state), consistent: true });
    listed.push(...rows.map(({ sk }) => `${sk} in ${state}`));
  }
  const collecting = await table.queryAll({ pk: keys.runsCollecting, consistent: true });
  listed.push(...collecting.map(({ sk }) => `${sk} among the collecting ones`));
  const expected = runs.map(({ id, state }) => `${id} in ${state}`);
  return listed.toSorted().join() === expected.toSorted().join()
    ? []
    : [`the lists by state have ${listed.join()} instead of ${expected.join()}`];
}

async function totalsProblems({ table }: AtRest, runs: readonly Run[]): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const templateId of [undefined, ...new Set(runs.map((run) => run.templateId))]) {
    const listed = await dynamoRunStore(table).totals(templateId === undefined ? {} : { templateId }, { limit: 100 });
    const days = listed.kind === 'page' ? listed.page.items : [];
    const counted = runs.filter((run) => templateId === undefined || run.templateId === templateId);
    for (const { day, runs: number, ...sums } of days) {
      const ofDay = counted.filter(({ createdAt, counts }) => counts !== undefined && createdAt.startsWith(day));
      problems.push(...differing(`the totals of ${day}`, sums, ofDay.flatMap(({ counts }) => counts ?? []).reduce(addCounts, NO_COUNTS)));
      if (number !== ofDay.length) problems.push(`the totals of ${day} are of ${number} runs instead of ${ofDay.length}`);
    }
  }
  return problems;
}

async function slotProblems({ table }: AtRest): Promise<readonly string[]> {
  const slots = dynamoSlotStore(table);
  const problems: string[] = [];
  for (const resource of await slots.resources()) {
    const { holders } = await slots.load(resource);
    problems.push(...holders.map(({ runId, held }) => `${runId} has ended and holds ${held} of ${resource}`));
  }
  return problems;
}

/** Every attempt that an engine has had was counted, and every failure that an engine told was acknowledged. */
function aftercareProblems({ seen, engines, clocksAgree }: AtRest, job: Job, history: readonly HistoryEntry[]): readonly string[] {
  return Array.from({ length: job.attempt }, (_, place) => place + 1).flatMap((attempt) => {
    const what = `attempt ${attempt} of job ${job.index} of ${job.runId}`;
    const id = seen.followed.get(`${job.runId}/${job.index} a${attempt}`);
    if (id === undefined) return [];
    const isBroken = history.some(
      (entry) => entry.attempt === attempt && entry.name === 'fail' && entry.data?.['reason'] === 'engine-error',
    );
    const isTold = [...engines.values()].some((engine) => engine.isAcknowledged(id));
    return [
      ...(seen.counted.has(id) ? [] : [`${what} was never counted`]),
      ...(isBroken && !isTold && clocksAgree ? [`the failure of ${what} was never acknowledged`] : []),
    ];
  });
}

/** What may go on: a job that was given up on, and one that the engine itself lost sight of. */
function engineProblems({ engines, seen }: AtRest): readonly string[] {
  const known = [...seen.jobs.values()].flatMap(({ job, history }) =>
    history
      .filter(({ data }) => JSON.stringify(data ?? {}).includes('told to force its stop'))
      .map(({ attempt }) => engineJobName(job, attempt)),
  );
  const expected = new Set(known);
  return [...engines.values()].flatMap((engine) =>
    engine
      .active()
      .filter(({ name, excused }) => !excused && !expected.has(name))
      .map(({ name }) => `${name} goes on on its engine, and nobody looks after it`),
  );
}

function differing(what: string, found: RunCounts, expected: RunCounts): readonly string[] {
  const names = Object.keys(NO_COUNTS) as readonly (keyof RunCounts)[];
  return names
    .filter((name) => found[name] !== expected[name])
    .map((name) => `${what} ${name} ${found[name]} instead of ${expected[name]}`);
}
