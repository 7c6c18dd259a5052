/** Task state `CloseRun` of run.asl.json: this execution cannot drive its run. */
import { CloseRunInput, faultMessage } from '#contract/tasks';
import { taskHandler } from '#hosts/lambda/task';
import { ports } from '#hosts/wiring';
import { closeRun } from '#operations/close-run';

export const handler = taskHandler(CloseRunInput, async ({ execution, input, fault }) => {
  if (input) await closeRun(ports(), { execution, driven: input, message: faultMessage(fault) });
});
