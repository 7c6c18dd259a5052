/** EventBridge: a run's execution failed, timed out or was aborted in the console. Its run is closed, or nothing would be. */
import { ExecutionStatusChange } from '#contract/tasks';
import { taskHandler } from '#hosts/lambda/task';
import { ports } from '#hosts/wiring';
import { closeRun } from '#operations/close-run';

export const handler = taskHandler(ExecutionStatusChange, async ({ detail }) => {
  const { executionArn, status, input } = detail;
  if (input) await closeRun(ports(), { execution: executionArn, driven: input, message: `the execution ended as ${status}` });
});
