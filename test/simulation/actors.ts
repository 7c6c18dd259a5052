/** Users: what they ask of the service, by its API, by hand in the console of Step Functions, or by telling it to look now. */
import type { JobRef, RunId } from '#domain/ids';
import type { Run } from '#domain/run';
import { cancelJob, cancelRun } from '#operations/cancel-run';
import { cloneRun } from '#operations/clone-run';
import { pollRun } from '#operations/poll-run';
import type { Ports } from '#operations/ports';
import { retryRun } from '#operations/retry-run';
import { startRun, type StartRun } from '#operations/start-run';
import { sweep } from '#operations/sweep';
import { valueOrError } from './executions.ts';
import { LIMIT_SECONDS, type RunInput } from './machines.ts';
import type { PlannedAction, PlannedRequest } from './scenario.ts';
import type { World } from './world.ts';

export interface Actors {
  /** Requests that are planned or under way. */
  busy(): number;
}

type ActorsInput = Pick<World, 'scenario' | 'scheduler' | 'random' | 'processes' | 'executions' | 'seen' | 'verdict'>;

const USER = 'ada';
/** A user whose request came to nothing sends it again, and then gives up. */
const TRIES = 3;

export function actors(input: ActorsInput): Actors {
  const { scenario, scheduler } = input;
  let busy = 0;
  const planned = (atSeconds: number, copies: number, act: () => Promise<void>): void => {
    for (let copy = 0; copy < copies; copy += 1) {
      busy += 1;
      scheduler.after(atSeconds * 1000 + 1, () => {
        void act().then(() => {
          busy -= 1;
        });
      });
    }
  };
  for (const request of scenario.requests) {
    planned(request.atSeconds, request.copies, () => started(input, request));
  }
  for (const action of scenario.actions) planned(action.atSeconds, action.copies, () => acted(input, action));
  return { busy: () => busy };
}

async function http(
  input: ActorsInput,
  name: string,
  work: (ports: Ports) => Promise<unknown>,
  limitSeconds: number = LIMIT_SECONDS.http,
): Promise<void> {
  const { processes, scheduler, random, verdict } = input;
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const outcome = await processes.invoke(name, limitSeconds, work);
    if (outcome.kind === 'answered') return;
    if (outcome.kind === 'failed') valueOrError(name, outcome.error, verdict);
    await scheduler.turn(random.between(0, 20_000));
  }
}

function requestOf({ template, userRunId, sets }: PlannedRequest): Omit<StartRun, 'requestedBy'> {
  return { userId: USER, userRunId, sourceType: `source-${template}`, targetType: 'target', sets };
}

async function started(input: ActorsInput, planned: PlannedRequest): Promise<void> {
  const request = requestOf(planned);
  if (planned.by === 'api') {
    await http(input, `POST /runs ${planned.userRunId}`, (ports) => startRun(ports, { ...request, requestedBy: USER }));
    return;
  }
  const body: RunInput = {
    'user-id': request.userId,
    'user-run-id': request.userRunId,
    'source-type': request.sourceType,
    'target-type': request.targetType,
    'runtime-parameters': request.sets,
  };
  const name = `by-hand-${planned.userRunId}-${input.random.below(1_000_000)}`;
  input.executions.start('run', name, JSON.stringify(body));
}

async function acted(input: ActorsInput, action: PlannedAction): Promise<void> {
  const planned = input.scenario.requests[action.request];
  const run = planned && [...input.seen.runs.values()].find(({ userRunId }) => userRunId === planned.userRunId);
  if (!planned || !run) return;
  const name = `${action.kind} ${run.id}`;
  if (action.kind === 'retry' || action.kind === 'retry-one') await failure(input, run);
  const job: JobRef = { runId: run.id, index: action.index % run.count };
  const requestedBy = USER;
  switch (action.kind) {
    case 'cancel-run':
      return http(input, name, (ports) => cancelRun(ports, { runId: run.id, requestedBy }));
    case 'cancel-job':
      return http(input, name, (ports) => cancelJob(ports, { job, requestedBy }));
    case 'retry':
      return http(input, name, (ports) => retryRun(ports, { runId: run.id, selection: {}, requestedBy }));
    case 'retry-one': {
      const failed = input.seen.jobsOf(run).find((seen) => seen.job.state === 'FAILED')?.job ?? job;
      return http(input, name, (ports) => retryRun(ports, { runId: run.id, selection: { indexes: [failed.index] }, requestedBy }));
    }
    case 'clone':
      return http(input, name, (ports) =>
        cloneRun(ports, { runId: run.id, userRunId: `${run.userRunId}-again`, templateVersion: 'same', requestedBy }),
      );
    case 'duplicate':
      return http(input, name, (ports) => startRun(ports, { ...requestOf(planned), requestedBy }));
    case 'stop-execution':
      return stopped(input, 'run', run);
    case 'stop-watch':
      return stopped(input, 'watch', run);
    case 'nudge':
      return nudged(input, run.id);
    case 'sweep':
      return http(input, name, (ports) => sweep(ports, { repair: true }), LIMIT_SECONDS.sweep);
  }
}

const LOOKS = 60;

/** A job of the run has failed, or none will soon. Who retries does so as soon as he can, when the tick is still at work on it. */
async function failure({ seen, scheduler, random }: ActorsInput, run: Run): Promise<void> {
  for (let looks = 0; looks < LOOKS; looks += 1) {
    if (seen.jobsOf(run).some(({ job }) => job.state === 'FAILED')) return;
    await scheduler.turn(random.between(100, 20_000));
  }
}

/** Somebody clicks Stop in the console. */
function stopped({ executions }: ActorsInput, machine: 'run' | 'watch', run: Run): Promise<void> {
  const found = [...executions.byArn.values()].find(
    (execution) =>
      execution.machine === machine &&
      execution.status === 'RUNNING' &&
      (execution.name.startsWith(run.id) || execution.arn === run.execution),
  );
  if (found) executions.end(found, 'ABORTED');
  return Promise.resolve();
}

const NUDGES = 3;

async function nudged(input: ActorsInput, runId: RunId): Promise<void> {
  const one = (): Promise<void> => http(input, `nudge ${runId}`, (ports) => pollRun(ports, { runId }), LIMIT_SECONDS.pollRun);
  await Promise.all(Array.from({ length: NUDGES }, one));
}
