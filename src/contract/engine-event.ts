/** What a subscription of Control Hub posts when a job's status changes (docs/control-hub-push.md); what else it holds is not read. */
import * as z from 'zod';

const text = z.string().max(2000);

export const EngineEvent = z.object({
  JOB_ID: text,
  /** Holds the name that we gave the engine's job, within whatever the engine makes of it. */
  JOB_NAME: text,
  FROM_STATUS: text,
  TO_STATUS: text,
});
export type EngineEvent = z.infer<typeof EngineEvent>;
