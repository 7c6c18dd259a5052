/** One job: how it stands, what it was started with and where each value came from, and everything that happened to it. */
import { number } from '#client/run-words';
import type { JobOutputsView } from '#contract/job-archives';
import type { ReportedJobView } from '#contract/job-views';
import type { HistoryEntryView, JobView, PageView } from '#contract/views';
import { chip } from './chip.ts';
import { facts, grid, link, pager, time } from './parts.ts';
import type { JobPlace } from './place.ts';
import { reportedJob } from './reported-job-page.ts';
import { outcome } from './run-page.ts';
import { jobDuration } from './text.ts';
import { h, type Tree } from './tree.ts';

export interface JobContent {
  readonly kind: 'job';
  /** One that reports itself has outputs; a job of a run tells its own. */
  readonly told: { readonly job: JobView } | { readonly job: ReportedJobView; readonly outputs: JobOutputsView };
  readonly history: PageView<HistoryEntryView>;
}

export function jobPage(place: JobPlace, { told, history }: JobContent): readonly Tree[] {
  const next = history['next-cursor'];
  return [
    ...('outputs' in told ? reportedJob(told.job, told.outputs) : jobOfRun(told.job)),
    h(
      'section',
      { 'aria-label': 'History' },
      h('h2', {}, 'History'),
      grid('Everything that happened to it, oldest first', HISTORY, history.items.map(historyRow)),
      pager(
        place.cursor === undefined ? undefined : { kind: 'job', jobId: place.jobId },
        next === undefined ? undefined : { ...place, cursor: next },
      ),
    ),
  ];
}

const jobOfRun = (job: JobView): readonly Tree[] => [
  summary(job),
  h('section', { 'aria-label': 'Parameters' }, h('h2', {}, 'Parameters'), parameters(job)),
];

function summary(job: JobView): Tree {
  const { metrics } = job;
  const startedAt = metrics?.['started-at'];
  const finishedAt = metrics?.['finished-at'];
  const told = outcome(job);
  return facts([
    ['State', chip(job.state)],
    ['Run', link({ kind: 'run', runId: job['run-id'] }, job['run-id'])],
    ['Set', number(job.index)],
    ['Attempt', number(job.attempt)],
    [job.failure ? 'Failure' : job.metrics ? 'Outputs' : 'Waiting', told === '' ? undefined : told],
    ['Records in', metrics && number(metrics['input-record-count'])],
    ['Records out', metrics && number(metrics['output-record-count'])],
    ['Records in error', metrics && number(metrics['error-record-count'])],
    ['Started', startedAt === undefined ? undefined : time(startedAt)],
    ['Finished', finishedAt === undefined ? undefined : time(finishedAt)],
    ['Duration', jobDuration(job) || undefined],
    ['Engine job', job['engine-job-id']],
    ['Set key', job['set-key']],
    ['Accepted', time(job['created-at'])],
    ['Last change', time(job['updated-at'])],
  ]);
}

function parameters({ parameters: all = {} }: JobView): Tree {
  const rows = Object.entries(all)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { value, origin, replaced }]) => ({
      key,
      cells: [key, valueText(value), origin, replaced ? `${valueText(replaced.value)} (${replaced.origin})` : ''],
    }));
  if (rows.length === 0) return h('p', {}, 'It has none.');
  return grid('Effective values', [{ title: 'Key' }, { title: 'Value' }, { title: 'Origin' }, { title: 'Replaced' }], rows);
}

/** A text as it is, anything else as its JSON. */
const valueText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

const HISTORY = [
  { title: 'No.', number: true },
  { title: 'Event' },
  { title: 'At' },
  { title: 'By' },
  { title: 'From' },
  { title: 'To' },
  { title: 'Attempt', number: true },
  { title: 'Data' },
];

const historyRow = (entry: HistoryEntryView): Parameters<typeof grid>[2][number] => ({
  key: String(entry.sequence),
  cells: [
    number(entry.sequence),
    entry.name,
    time(entry.at),
    entry.actor,
    entry.from ?? '',
    entry.to,
    number(entry.attempt),
    entry.data ? JSON.stringify(entry.data) : '',
  ],
});
