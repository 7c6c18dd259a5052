/** What the API answers. Keys are spelt as the original service spelt its request's: with hyphens. */
import * as z from 'zod';
import { METRICS_STATES } from '#domain/attempt-end';
import { FAILURE_REASONS } from '#domain/job';
import { JOB_EVENT_NAMES, JOB_STATES } from '#domain/job-state';
import { PARAMETER_ORIGINS } from '#domain/parameters';
import { RUN_STATES } from '#domain/run';
import { InstantText } from './instants.ts';

const instant = InstantText;
const links = z.record(z.string(), z.string());

/** Counted while the run went on, or following from its size; how long functions take is assumed. */
export const CostView = z.object({
  usd: z.number(),
  /** The parts of `usd`, which is their sum but for rounding. */
  'usd-by-kind': z.object({
    'step-functions': z.number(),
    lambda: z.number(),
    'dynamodb-writes': z.number(),
    'dynamodb-reads': z.number(),
    'api-requests': z.number(),
  }),
  'state-transitions': z.number(),
  'lambda-invocations': z.number(),
  'lambda-milliseconds': z.number(),
  'lambda-gigabyte-seconds': z.number(),
  'dynamodb-write-units': z.number(),
  'dynamodb-read-units': z.number(),
  'api-requests': z.number(),
  ticks: z.number(),
  'engine-status-calls': z.number(),
  'engine-metrics-calls': z.number(),
  'engine-starts': z.number(),
});
export type CostView = z.infer<typeof CostView>;

export const RunView = z.object({
  'run-id': z.string(),
  state: z.enum(RUN_STATES),
  'user-id': z.string(),
  'user-run-id': z.string(),
  'source-type': z.string(),
  'target-type': z.string(),
  'template-id': z.string(),
  'template-version': z.number(),
  'requested-by': z.string(),
  attempt: z.number(),
  jobs: z.object({ total: z.number(), finished: z.number(), failed: z.number(), cancelled: z.number(), open: z.number() }),
  records: z.object({ input: z.number(), output: z.number(), error: z.number() }),
  /** It has ended, and some of its engine jobs are still looked after: `records` may grow. */
  collecting: z.literal(true).exactOptional(),
  closing: z.object({ reason: z.string(), message: z.string(), at: instant }).exactOptional(),
  /** Sets of the request that were left out because they had succeeded already. */
  'skipped-sets': z.number().exactOptional(),
  'cloned-from': z.string().exactOptional(),
  /** What queued jobs wait for, as of the last tick. */
  waiting: z.object({ jobs: z.number(), since: instant, reason: z.string() }).exactOptional(),
  /** What the engine could not do or answer at the last look; it is tried again. */
  'engine-trouble': z.object({ since: instant, message: z.string() }).exactOptional(),
  /** When the engine will be asked next; a push from it comes before. */
  'next-poll-at': instant.exactOptional(),
  /** What the run has used so far, and what that costs on AWS at list prices; only where asked for by `include=cost`. */
  cost: CostView.exactOptional(),
  'created-at': instant,
  'updated-at': instant,
  'finished-at': instant.exactOptional(),
  links,
});
export type RunView = z.infer<typeof RunView>;

/** The answer to a start. `status` is what the original answered. */
export const RunStarted = z.object({
  status: z.literal('OK'),
  'run-id': z.string(),
  state: z.enum(RUN_STATES),
  'user-run-id': z.string(),
  /** In the order of the parameter sets. */
  'job-ids': z.array(z.string()),
  /** Sets of the request that were left out because they had succeeded already. */
  'skipped-sets': z.number().exactOptional(),
  links,
});
export type RunStarted = z.infer<typeof RunStarted>;

/** The answer to a start that had nothing to start: every set has succeeded already. */
export const NothingStarted = z.object({
  status: z.literal('OK'),
  'run-id': z.null(),
  'skipped-sets': z.number(),
});
export type NothingStarted = z.infer<typeof NothingStarted>;

/** The answer to a retry. */
export const RunRetried = z.object({
  'run-id': z.string(),
  state: z.enum(RUN_STATES),
  attempt: z.number(),
  'job-ids': z.array(z.string()),
  links,
});
export type RunRetried = z.infer<typeof RunRetried>;

export const MetricsView = z.object({
  'engine-id': z.string().exactOptional(),
  'pipeline-id': z.string().exactOptional(),
  'pipeline-commit-id': z.string().exactOptional(),
  'input-record-count': z.number(),
  'output-record-count': z.number(),
  'error-record-count': z.number(),
  'started-at': instant.exactOptional(),
  'finished-at': instant.exactOptional(),
  'duration-ms': z.number().exactOptional(),
  outputs: z.array(z.string()).exactOptional(),
});

/** Effective values with where each came from. */
const ParametersView = z.record(
  z.string(),
  z.object({
    value: z.json(),
    origin: z.enum(PARAMETER_ORIGINS),
    replaced: z.object({ origin: z.enum(PARAMETER_ORIGINS), value: z.json() }).exactOptional(),
  }),
);

export const JobView = z.object({
  'job-id': z.string(),
  'run-id': z.string(),
  index: z.number(),
  state: z.enum(JOB_STATES),
  attempt: z.number(),
  failure: z.object({ reason: z.enum(FAILURE_REASONS), message: z.string() }).exactOptional(),
  metrics: MetricsView.exactOptional(),
  /**
   * Once an attempt has ended on its engine: `pending` while counts may still come or change, `settled`, `provisional` where they were
   * still said to change when the engine's time for them was over, `unavailable` for the reason told.
   */
  'metrics-state': z.enum(METRICS_STATES).exactOptional(),
  'metrics-unavailable-because': z.string().exactOptional(),
  /** The engine's own words about trouble that ends nothing, while it lasts. */
  warning: z.string().exactOptional(),
  'engine-job-id': z.string().exactOptional(),
  /** Not started yet, and why: `retry` (not before a time), or `slot` (the run's `waiting` says of what). */
  queued: z.object({ for: z.enum(['retry', 'slot']), 'not-before': instant.exactOptional() }).exactOptional(),
  /** Somebody has asked to cancel it; it is being stopped. */
  'cancel-requested-at': instant.exactOptional(),
  /** The engine is to stop it, for whatever reason: since when, by force since when, and why it could not be told, where it could not. */
  stopping: z
    .object({
      reason: z.enum(['cancelled', 'timed-out', 'aborted']),
      'asked-at': instant,
      'forced-at': instant.exactOptional(),
      fault: z.string().exactOptional(),
    })
    .exactOptional(),
  /** The same for the same set in every run of the template; where its parameters are told. */
  'set-key': z.string().exactOptional(),
  'created-at': instant,
  'updated-at': instant,
  /** Effective values with where each came from; only where asked for by `include=parameters`. */
  parameters: ParametersView.exactOptional(),
  links,
});
export type JobView = z.infer<typeof JobView>;

/** What a streaming job had counted since its attempt began. */
export const SampleView = z.object({
  at: instant,
  attempt: z.number(),
  'engine-id': z.string().exactOptional(),
  'input-record-count': z.number(),
  'output-record-count': z.number(),
  'error-record-count': z.number(),
});
export type SampleView = z.infer<typeof SampleView>;

export const HistoryEntryView = z.object({
  sequence: z.number(),
  'event-id': z.string(),
  name: z.enum(JOB_EVENT_NAMES),
  at: instant,
  actor: z.string(),
  from: z.enum(JOB_STATES).nullable(),
  to: z.enum(JOB_STATES),
  attempt: z.number(),
  data: z.record(z.string(), z.json()).exactOptional(),
  /** It was refused: nothing has changed, and `sequence` is that of the event which it came after. */
  refused: z.literal(true).exactOptional(),
});
export type HistoryEntryView = z.infer<typeof HistoryEntryView>;

/** One row of the original's metrics table (contracts/job-template-service.md §3), its times as it wrote them. */
export const MetricsRow = z.object({
  job_id: z.string(),
  run_id: z.string(),
  job_run_id: z.string(),
  job_template_id: z.string(),
  user_id: z.string(),
  user_run_id: z.string(),
  engine_id: z.string(),
  pipeline_id: z.string(),
  successful_run: z.boolean(),
  input_record_count: z.number(),
  output_record_count: z.number(),
  error_record_count: z.number(),
  error_message: z.string(),
  start_time: z.string().nullable(),
  finish_time: z.string().nullable(),
});
export type MetricsRow = z.infer<typeof MetricsRow>;

/** A page of a list. `next-cursor` is absent at the end; a short page is not the end. */
export const pageOf = <Item extends z.ZodType>(
  item: Item,
): z.ZodObject<{ items: z.ZodArray<Item>; 'next-cursor': z.ZodExactOptional<z.ZodString> }> =>
  z.object({ items: z.array(item), 'next-cursor': z.string().exactOptional() });
export interface PageView<Item> {
  readonly items: readonly Item[];
  readonly unreadable?: readonly Unreadable[];
  readonly 'next-cursor'?: string;
}

/** Something that stands in the list and is left out, because what is stored of it cannot be read; `detail` names the item. */
export const Unreadable = z.object({ id: z.string(), detail: z.string() });
export type Unreadable = z.infer<typeof Unreadable>;

/**
 * A page that may have gaps, each of which it tells; whether what is left out fits a filter is not known. `next-cursor` is absent at
 * the end; a short page is not the end.
 */
export const pageWithGapsOf = <Item extends z.ZodType>(
  item: Item,
): z.ZodObject<{
  items: z.ZodArray<Item>;
  unreadable: z.ZodExactOptional<z.ZodArray<typeof Unreadable>>;
  'next-cursor': z.ZodExactOptional<z.ZodString>;
}> => z.object({ items: z.array(item), unreadable: z.array(Unreadable).exactOptional(), 'next-cursor': z.string().exactOptional() });

/** A page of a run's jobs, in the order of its sets. */
export const JobsOfRun = pageWithGapsOf(JobView).extend({
  /** Where a state was asked for: the first and the last set among which its jobs were looked for, which may be none of them. */
  'looked-at': z.object({ from: z.number(), to: z.number() }).exactOptional(),
});
export type JobsOfRun = z.infer<typeof JobsOfRun>;

/** Of two jobs' effective parameters; a side that did not have the key is absent. */
export const JobComparison = z.object({
  'job-id': z.string(),
  /** The last success of the same set; null where there is none. */
  'compared-with': z.object({ 'job-id': z.string(), 'run-id': z.string(), 'updated-at': instant }).nullable(),
  differences: z.array(z.object({ key: z.string(), before: z.json().exactOptional(), after: z.json().exactOptional() })),
});
export type JobComparison = z.infer<typeof JobComparison>;

/** Sums over the runs that were accepted on a day (UTC) and have ended. */
export const DayTotalsView = z.object({
  day: z.string(),
  runs: z.number(),
  jobs: z.object({ finished: z.number(), failed: z.number(), cancelled: z.number() }),
  records: z.object({ input: z.number(), output: z.number(), error: z.number() }),
});
export type DayTotalsView = z.infer<typeof DayTotalsView>;
