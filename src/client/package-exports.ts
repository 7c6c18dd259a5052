/** What `sluice/client` exports: the package's one door; within the project everything is imported from where it is. */
export { ApiError, EventRefused, ServiceUnreachable, UnexpectedAnswer } from './errors.ts';
export { attachJob, sluiceClient, type AttachOptions, type ClientOptions, type SluiceClient } from './sluice-client.ts';
export type { Pace } from './pace.ts';
export type { EveryOptions, PageOptions } from './pages.ts';
export type { CatalogClient, Change, Expected, ExpectedVersion, PatternInput, PatternName, TemplateInput } from './catalog-client.ts';
export type { HistoryOptions, JobClient, JobsOptions, SeriesOptions } from './job-client.ts';
export type { DailyOptions, MetricsClient } from './metrics-client.ts';
export type { RegisteredJob, ReportedJobClient, ReportedJobFilter } from './reported-job-client.ts';
export type { EventChain, EventData, EventOptions, JobEventName, JobEvents, ReportingJob } from './reporting-job.ts';
export type { RetryOptions, RunClient, RunFilter, StartOptions } from './run-client.ts';
export type { SweepClient } from './sweep-client.ts';
export type { TokenClient } from './token-client.ts';
export type { WaitOptions } from './held-wait.ts';
export type { JobWaitOptions, JobWaitOutcome } from './wait-for-job.ts';
export type { RunWaitOptions, WaitOutcome } from './wait-for-run.ts';
export type { AnyJobView } from '#contract/any-job-view';
export type { PatternView, TemplateView } from '#contract/catalog';
export type { JobIndexed, JobOutputsView, JobOutputView, JobReset } from '#contract/job-archives';
export type { RegisterJobRequest, TokenRequest as JobTokenRequest } from '#contract/job-requests';
export type { EventTaken, IssuedTokenView, JobAsOf, JobRegistered, JobTokenView, ReportedJobView } from '#contract/job-views';
export type { PlanView } from '#contract/plan-view';
export type { Problem, ProblemError, ProblemSlug } from '#contract/problems';
export type { CloneRequest, RetryRequest, RunRequest } from '#contract/run-request';
export type { SweepView } from '#contract/sweep-view';
export type { TokenCreated, TokenRequest, TokenView } from '#contract/tokens';
export type {
  DayTotalsView,
  HistoryEntryView,
  JobComparison,
  JobView,
  MetricsRow,
  NothingStarted,
  PageView,
  RunRetried,
  RunStarted,
  RunView,
  SampleView,
  Unreadable,
} from '#contract/views';
