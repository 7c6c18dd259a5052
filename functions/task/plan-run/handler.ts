/** Task state `PlanRun` of run.asl.json: which run this execution drives, and how many children it needs. */
import { PlanRunInput, type PlanRunResult } from '#contract/tasks';
import { taskHandler } from '#hosts/lambda/task';
import { ports } from '#hosts/wiring';
import { planRun, type PlanRun } from '#operations/plan-run';

export const handler = taskHandler(PlanRunInput, async ({ execution, input }): Promise<PlanRunResult> => {
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
          },
        };
  const outcome = await planRun(ports(), asked);
  const { id, attempt, count } = outcome.run;
  switch (outcome.kind) {
    case 'planned':
      return { runId: id, alreadyDriven: false, attempt, count, maxParallel: outcome.maxParallel };
    case 'already-driven':
      return { runId: id, alreadyDriven: true, attempt, count, maxParallel: 1 };
  }
});
