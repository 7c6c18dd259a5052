/** An orchestrator that only remembers what it was asked for. Executions go on until a test says otherwise. */
import { epochMs, type Instant, type RunId } from '#domain/ids';
import type { Orchestrator, RunningExecution } from '#operations/ports';

export interface MemoryOrchestrator extends Orchestrator {
  /** Names, each once however often it was started. */
  readonly runs: Set<string>;
  readonly watches: Set<string>;
  readonly nudges: Set<string>;
  readonly released: Set<string>;
  readonly stopped: Set<string>;
  /** By ARN, of the run's machine. */
  readonly executions: Map<string, RunningExecution & { status: string; readonly input: string }>;
}

const arnOf = (id: RunId, attempt: number): string => `arn:run:${id}-a${attempt}`;

export function memoryOrchestrator(now: () => Instant): MemoryOrchestrator {
  const executions: MemoryOrchestrator['executions'] = new Map();
  const [runs, watches, released, stopped] = [new Set<string>(), new Set<string>(), new Set<string>(), new Set<string>()];
  const nudges = new Set<string>();
  const done = Promise.resolve();
  return {
    runs,
    watches,
    nudges,
    released,
    stopped,
    executions,
    startRun(id, attempt) {
      const [arn, name] = [arnOf(id, attempt), `${id}-a${attempt}`];
      runs.add(name);
      const started = { arn, name, startedAt: now(), status: 'RUNNING', input: JSON.stringify({ runId: id }) };
      if (!executions.has(arn)) executions.set(arn, started);
      return done;
    },
    startWatch({ id, watch }) {
      watches.add(`${id}-${watch}`);
      return done;
    },
    nudge(id, at) {
      nudges.add(`${id}-n${Math.floor(epochMs(at) / 1000)}`);
      return done;
    },
    release(taskToken) {
      released.add(taskToken);
      return done;
    },
    executionOf: ({ id, attempt }) => arnOf(id, attempt),
    running: () => Promise.resolve([...executions.values()].filter(({ status }) => status === 'RUNNING')),
    execution(arn) {
      const found = executions.get(arn);
      return Promise.resolve(found && { isRunning: found.status === 'RUNNING', status: found.status, input: found.input });
    },
    stop(arn) {
      stopped.add(arn);
      const found = executions.get(arn);
      if (found) found.status = 'ABORTED';
      return done;
    },
  };
}
