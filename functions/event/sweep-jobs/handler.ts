/** EventBridge, by the clock: fails reported jobs that have gone silent or are past their deadline, and removes deleted ones. */
import * as z from 'zod';
import { sweepView } from '#contract/sweep-view';
import { log } from '#hosts/lambda/log';
import { taskHandler } from '#hosts/lambda/task';
import { archivePorts } from '#hosts/wiring';
import { REPAIRS, sweepJobs } from '#operations/sweep';

export const handler = taskHandler(z.unknown(), async () => {
  const { findings } = sweepView({ runs: 0, executions: 0, rows: await sweepJobs(archivePorts()) }, REPAIRS);
  for (const finding of findings) log.warn('swept', { finding });
  return { findings: findings.length };
});
