/** Task states `RunJob` and `RunManyJob` of run.asl.json: start one job and stay parked under the task token. */
import { StartJobInput } from '#contract/tasks';
import { taskHandler } from '#hosts/lambda/task';
import { ports } from '#hosts/wiring';
import { startJob } from '#operations/start-job';

export const handler = taskHandler(StartJobInput, (input) => startJob(ports(), input));
