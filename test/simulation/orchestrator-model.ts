/** The orchestrator as one process reaches it. */
import { instant, type RunId } from '#domain/ids';
import type { Orchestrator, RunningExecution } from '#operations/ports';
import { arnOf, type Executions } from './executions.ts';
import type { Faults } from './faults.ts';
import type { WatchInput } from './machines.ts';
import type { Process } from './processes.ts';
import type { Random } from './random.ts';

export interface OrchestratorModelInput {
  readonly executions: Executions;
  readonly faults: Faults;
  readonly random: Random;
  readonly nowMs: () => number;
  /** Told of every token that arrives, before anybody is let go. */
  readonly released: (taskToken: string) => void;
}

/** A list of executions may not show what was started just now. */
const STALE_MS = 2_000;

export function orchestratorFor(process: Process, { executions, faults, random, nowMs, released }: OrchestratorModelInput): Orchestrator {
  const call = <Result>(what: string, effect: () => Result): Promise<Result> =>
    process.call<Result>({
      kind: 'orchestrator',
      what: () => `orchestrator ${what}`,
      effect,
      unavailable: 'OrchestratorUnavailable',
      lateByMs: () => random.between(0, 90_000),
    });
  return {
    startRun: (id, attempt) =>
      call(`start ${id}-a${attempt}`, () => {
        executions.start('run', nameOf(id, attempt), JSON.stringify({ runId: id }));
      }),
    startWatch({ id, watch }, delaySeconds) {
      const series = watch === 1 ? id : `${id}-${watch}`;
      const input: WatchInput = { runId: id, watch, series, chunk: 1, delaySeconds };
      return call(`watch ${series}`, () => {
        executions.start('watch', `${series}-w1`, JSON.stringify(input));
      });
    },
    // Pushes are not modelled: the nudges of users are the same tick.
    nudge: () => Promise.resolve(),
    release: (taskToken) =>
      call(`release ${taskToken}`, () => {
        released(taskToken);
        executions.parked.get(taskToken)?.letGo();
        executions.parked.delete(taskToken);
      }),
    executionOf: ({ id, attempt }) => arnOf('run', nameOf(id, attempt)),
    running: () =>
      call('list', () => {
        const stale = faults.happens('stale-read') ? STALE_MS : 0;
        return [...executions.byArn.values()].flatMap(({ machine, status, arn, name, startedMs }): readonly RunningExecution[] => {
          const isListed = machine === 'run' && status === 'RUNNING' && startedMs <= nowMs() - stale;
          return isListed ? [{ arn, name, startedAt: instant(startedMs) }] : [];
        });
      }),
    execution: (arn) =>
      call(`describe ${arn}`, () => {
        const found = executions.byArn.get(arn);
        return found && { isRunning: found.status === 'RUNNING', status: found.status, input: found.input };
      }),
    stop: (arn) =>
      call(`stop ${arn}`, () => {
        const found = executions.byArn.get(arn);
        if (found) executions.end(found, 'ABORTED');
      }),
  };
}

const nameOf = (id: RunId, attempt: number): string => `${id}-a${attempt}`;
