/** Task states `CloseJob` and `CloseManyJob` of run.asl.json: the start of one job ended in a fault. */
import { CloseJobInput, faultMessage } from '#contract/tasks';
import { taskHandler } from '#hosts/lambda/task';
import { ports } from '#hosts/wiring';
import { closeJob } from '#operations/close-job';

export const handler = taskHandler(CloseJobInput, ({ fault, ...job }) => closeJob(ports(), { ...job, fault: faultMessage(fault) }));
