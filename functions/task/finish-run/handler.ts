/** Task state `FinishRun` of run.asl.json: every child has been let go. */
import { FinishRunInput } from '#contract/tasks';
import { taskHandler } from '#hosts/lambda/task';
import { runPorts } from '#hosts/wiring';
import { finishRun } from '#operations/finish-run';

export const handler = taskHandler(FinishRunInput, (input) => finishRun(runPorts(), input));
