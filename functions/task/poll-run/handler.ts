/** Task state `PollRun` of watch.asl.json, and what a nudge invokes: one tick of a run. */
import { PollRunInput } from '#contract/tasks';
import { taskHandler } from '#hosts/lambda/task';
import { ports } from '#hosts/wiring';
import { pollRun } from '#operations/poll-run';

export const handler = taskHandler(PollRunInput, (input) => pollRun(ports(), input));
