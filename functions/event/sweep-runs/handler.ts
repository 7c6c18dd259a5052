/** EventBridge, by the clock: mends what no execution drives any more, and says in the log what it found and did. */
import * as z from 'zod';
import { sweepView } from '#contract/sweep-view';
import { log } from '#hosts/lambda/log';
import { taskHandler } from '#hosts/lambda/task';
import { ports } from '#hosts/wiring';
import { REPAIRS, sweep } from '#operations/sweep';

/** Of the 300 s that the function may take (serverless.yml). */
const WITHIN_SECONDS = 270;

export const handler = taskHandler(z.unknown(), async () => {
  const { findings, ...seen } = sweepView(await sweep(ports(), { repair: true, withinSeconds: WITHIN_SECONDS }), REPAIRS);
  for (const finding of findings) log.warn('swept', { finding });
  return { ...seen, findings: findings.length };
});
