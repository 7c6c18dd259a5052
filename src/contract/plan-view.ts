/** What a request would start. */
import * as z from 'zod';
import { JobView } from './views.ts';

const seconds = z.number();

export const PlanView = z.object({
  'plan-hash': z.string(),
  'template-id': z.string(),
  'template-version': z.number(),
  engine: z.string(),
  /** Of the sets that would be started. */
  'set-count': z.number(),
  /** Places in the request of the sets that would be left out because they have succeeded already. */
  'skipped-sets': z.array(z.number()),
  /** A page of what would be started. */
  sets: z.array(z.object({ index: z.number(), 'set-key': z.string(), parameters: JobView.shape.parameters.unwrap() })),
  'next-cursor': z.string().exactOptional(),
  /** Absent while too few jobs of the template have finished to tell. */
  expected: z
    .object({
      'job-seconds': z.object({ p10: seconds, p50: seconds, p90: seconds }),
      'run-seconds': seconds,
      'engine-starts': z.number(),
      'engine-status-calls': z.number(),
    })
    .exactOptional(),
});
export type PlanView = z.infer<typeof PlanView>;
