/** What the API answers of a job of either kind. */
import * as z from 'zod';
import { ReportedJobView } from './job-views.ts';
import { JobView } from './views.ts';

/** A job of a run has no `kind`. */
export const AnyJobView = z.union([ReportedJobView, JobView]);
export type AnyJobView = z.infer<typeof AnyJobView>;
