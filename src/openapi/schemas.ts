/** Everything that has a name in the document: what is answered, and what may be sent. */
import * as z from 'zod';
import { AnyJobView } from '#contract/any-job-view';
import { PatternDocument, PatternView, TemplateDocument, TemplateView } from '#contract/catalog';
import { EngineEvent } from '#contract/engine-event';
import { IndexRequest, JobIndexed, JobLeftIndexing, JobOutputsView, JobOutputView, JobReset, ResetRequest } from '#contract/job-archives';
import { EventRequest, RegisterJobRequest, TokenRequest as JobTokenRequest } from '#contract/job-requests';
import { EventTaken, IssuedTokenView, JobAsOf, JobRegistered, JobTokenView, ReportedJobView } from '#contract/job-views';
import { PlanView } from '#contract/plan-view';
import { Problem, ProblemError } from '#contract/problems';
import { CloneRequest, RetryRequest, RunRequest } from '#contract/run-request';
import { SweepView } from '#contract/sweep-view';
import { TokenCreated, TokenRequest, TokenView } from '#contract/tokens';
import {
  CostView,
  DayTotalsView,
  HistoryEntryView,
  JobComparison,
  JobsOfRun,
  JobView,
  MetricsRow,
  NothingStarted,
  pageOf,
  pageWithGapsOf,
  RunRetried,
  RunStarted,
  RunView,
  SampleView,
  Unreadable,
} from '#contract/views';

export const RunPage = pageWithGapsOf(RunView);
export const JobPage = pageOf(JobView);
export const ReportedJobPage = pageWithGapsOf(ReportedJobView);
export const HistoryPage = pageOf(HistoryEntryView);
export const SamplePage = pageOf(SampleView);
export const MetricsPage = pageOf(MetricsRow);
export const DayTotalsPage = pageOf(DayTotalsView);
export const TemplatePage = pageOf(TemplateView);
export const PatternPage = pageOf(PatternView);
export const TokenPage = pageOf(TokenView);
/** A job has few tokens: all of them. */
export const JobTokenList = z.object({ items: z.array(JobTokenView) });
export const PushTaken = z.object({});

export const ANSWERED: Readonly<Record<string, z.ZodType>> = {
  AnyJobView,
  CostView,
  DayTotalsPage,
  DayTotalsView,
  EventTaken,
  HistoryEntryView,
  HistoryPage,
  IssuedTokenView,
  JobAsOf,
  JobComparison,
  JobIndexed,
  JobLeftIndexing,
  JobOutputView,
  JobOutputsView,
  JobPage,
  JobRegistered,
  JobReset,
  JobsOfRun,
  JobTokenList,
  JobTokenView,
  JobView,
  MetricsPage,
  MetricsRow,
  NothingStarted,
  PatternPage,
  PatternView,
  PlanView,
  Problem,
  ProblemError,
  PushTaken,
  ReportedJobPage,
  ReportedJobView,
  RunPage,
  RunRetried,
  RunStarted,
  RunView,
  SamplePage,
  SampleView,
  SweepView,
  TemplatePage,
  TemplateView,
  TokenCreated,
  TokenPage,
  TokenView,
  Unreadable,
};

export const SENT: Readonly<Record<string, z.ZodType>> = {
  CloneRequest,
  EngineEvent,
  EventRequest,
  IndexRequest,
  JobTokenRequest,
  PatternDocument,
  RegisterJobRequest,
  ResetRequest,
  RetryRequest,
  RunRequest,
  TemplateDocument,
  TokenRequest,
};
