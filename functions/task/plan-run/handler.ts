/** Task state `PlanRun` of run.asl.json: which run this execution drives, and how many children it needs. */
import { PlanRunInput, type PlanRunResult } from '#contract/tasks';
import { taskHandler } from '#hosts/lambda/task';
import { ports } from '#hosts/wiring';
import { planRun, type PlanRun } from '#operations/plan-run';

export const handler = taskHandler(PlanRunInput, async ({ execution, input }): Promise<PlanRunResult> => {
  const since = 'runId' in input ? undefined : input['skip-succeeded-since'];
  const asked: PlanRun =
    'runId' in input
      ? { kind: 'accepted', execution, runId: input.runId }
      : {
          kind: 'request',
          execution,
          request: {
            userId: input['user-id'],
            userRunId: input['user-run-id'],
            sourceType: input['source-type'],
            targetType: input['target-type'],
            sets: input['runtime-parameters'],
            ...(since === undefined ? {} : { skipSucceededSince: since }),
          },
        };
  const outcome = await planRun(ports(), asked);
  switch (outcome.kind) {
    case 'planned': {
      const { run, indexes, maxParallel } = outcome;
      const count = indexes?.length ?? run.count;
      return { runId: run.id, alreadyDriven: false, attempt: run.attempt, count, maxParallel, ...(indexes ? { indexes } : {}) };
    }
    case 'already-driven':
      return { runId: outcome.run.id, alreadyDriven: true, attempt: outcome.run.attempt, count: outcome.run.count, maxParallel: 1 };
    case 'nothing-to-do':
      return { runId: null, alreadyDriven: true, attempt: 1, count: 0, maxParallel: 1 };
  }
});
