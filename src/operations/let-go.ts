/** What remains to be done for settled jobs: the engine's copy, the parked child, the open row; in this order, each harmless to repeat. */
import type { Job } from '#domain/job';
import type { Run } from '#domain/run';
import type { Template } from '#domain/template';
import { inTurns } from './in-turns.ts';
import type { Engine, Ports } from './ports.ts';

type Needs = Pick<Ports, 'jobs' | 'orchestrator'>;

interface LettingGo {
  readonly run: Run;
  readonly engine: Engine;
  readonly template: Template;
  readonly jobs: readonly Job[];
}

export async function letGo(ports: Needs, { run, engine, template, jobs }: LettingGo): Promise<void> {
  if (jobs.length === 0) return;
  if (template.deleteAfterCompletion) {
    await inTurns(jobs, async ({ start }) => {
      if (start.engineJobId !== undefined) await engine.remove(start.engineJobId);
    });
  }
  // A retry may have reopened a job since it was read, and have its child parked by now: that one is not ours to let go.
  const settledIn = new Map(jobs.map(({ index, runAttempt }) => [index, runAttempt]));
  const tokens = (await ports.jobs.taskTokens(run, jobs)).filter(({ index, runAttempt }) => runAttempt <= (settledIn.get(index) ?? 0));
  await inTurns(tokens, ({ taskToken }) => ports.orchestrator.release(taskToken));
  await ports.jobs.close(run, jobs, tokens);
}
