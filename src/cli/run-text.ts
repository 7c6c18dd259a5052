/** Runs and jobs as text. Pure: what is printed where is the commands' matter. */
import { costLines, queueText, stopText } from '#client/run-words';
import type { JobView, RunView } from '#contract/views';
import { counted, duration, nameLines, number, oneLine, table } from './table.ts';

export function runList(runs: readonly RunView[]): string {
  const columns = [
    { title: 'RUN' },
    { title: 'STATE' },
    { title: 'PATTERN' },
    { title: 'JOBS', align: 'right' as const },
    { title: 'FAILED', align: 'right' as const },
    { title: 'CREATED' },
    { title: 'DURATION', align: 'right' as const },
    { title: 'USER RUN' },
  ];
  const rows = runs.map((run) => [
    run['run-id'],
    run.state,
    `${run['source-type']} to ${run['target-type']}`,
    number(run.jobs.total),
    number(run.jobs.failed),
    run['created-at'],
    runDuration(run) ?? '',
    run['user-run-id'],
  ]);
  return table(columns, rows);
}

export function runSummary(run: RunView): string {
  const { jobs, records, closing, waiting, cost } = run;
  const { 'skipped-sets': leftOut, 'cloned-from': clonedFrom, 'next-poll-at': nextPollAt, 'engine-trouble': trouble } = run;
  const took = runDuration(run);
  const lines: readonly (readonly [string, string])[] = [
    ['user run', `${run['user-run-id']} of ${run['user-id']}`],
    ['pattern', `${run['source-type']} to ${run['target-type']}, ${run['template-id']} version ${run['template-version']}`],
    ...(clonedFrom === undefined ? [] : [['clone of', clonedFrom] as const]),
    ['attempt', number(run.attempt)],
    ['jobs', `${number(jobs.total)}: ${jobCounts(run)}`],
    ...(leftOut === undefined ? [] : [['left out', `${counted(leftOut, 'set')} that had succeeded before`] as const]),
    ...(waiting ? [['waiting', `${counted(waiting.jobs, 'job')} since ${waiting.since}: ${waiting.reason}`] as const] : []),
    ...(trouble ? [['engine', `in trouble since ${trouble.since}: ${oneLine(trouble.message)}`] as const] : []),
    [
      'records',
      `${number(records.input)} in, ${number(records.output)} out, ${number(records.error)} in error${run.collecting ? ', and counts may still come' : ''}`,
    ],
    ['created', run['created-at']],
    ...(run['finished-at'] === undefined ? [] : [['finished', `${run['finished-at']}${took === undefined ? '' : ` (${took})`}`] as const]),
    ...(closing === undefined ? [] : [['closing', `${closing.reason}: ${oneLine(closing.message)}`] as const]),
    ...(cost === undefined ? [] : costLines(cost)),
    ...(nextPollAt === undefined ? [] : [['next look', `${nextPollAt}, or sooner when the engine tells of a change`] as const]),
  ];
  return `${run['run-id']} ${run.state}\n${nameLines(lines)}`;
}

function jobCounts({ jobs }: RunView): string {
  const counts = [
    [jobs.finished, 'finished'],
    [jobs.failed, 'failed'],
    [jobs.cancelled, 'cancelled'],
    [jobs.open, 'open'],
  ] as const;
  return counts
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${number(count)} ${word}`)
    .join(', ');
}

function runDuration(run: RunView): string | undefined {
  const finishedAt = run['finished-at'];
  return finishedAt === undefined ? undefined : duration(Date.parse(finishedAt) - Date.parse(run['created-at']));
}

/** One row per parameter set, in their order; the message of a failure in one line. Attempts are told where there was a second. */
export function jobTable(jobs: readonly JobView[]): string {
  const withAttempts = jobs.some(({ attempt }) => attempt > 1);
  const columns = [
    { title: 'SET', align: 'right' as const },
    { title: 'STATE' },
    ...(withAttempts ? [{ title: 'ATTEMPT', align: 'right' as const }] : []),
    { title: 'IN', align: 'right' as const },
    { title: 'OUT', align: 'right' as const },
    { title: 'ERROR', align: 'right' as const },
    { title: 'DURATION', align: 'right' as const },
    { title: 'OUTPUT OR FAILURE' },
  ];
  return table(
    columns,
    jobs.map((job) => jobRow(job, withAttempts)),
  );
}

function jobRow(job: JobView, withAttempt: boolean): readonly string[] {
  const { index, state, metrics } = job;
  const took = metrics?.['duration-ms'];
  return [
    number(index),
    state,
    ...(withAttempt ? [number(job.attempt)] : []),
    metrics ? number(metrics['input-record-count']) : '',
    metrics ? number(metrics['output-record-count']) : '',
    metrics ? number(metrics['error-record-count']) : '',
    took === undefined ? '' : duration(took),
    outcome(job),
  ];
}

/** What it wrote or why it failed; before that, what it waits for. */
function outcome(job: JobView): string {
  const { failure, metrics } = job;
  if (failure) return `${failure.reason}: ${oneLine(failure.message)}`;
  const stop = stopText(job);
  return (stop === undefined ? queueText(job) : oneLine(stop)) ?? (metrics?.outputs ?? []).join(', ');
}

/** What a terminal shows while somebody waits. */
export function progress(run: RunView): string {
  const ended = run.jobs.total - run.jobs.open;
  const failed = run.jobs.failed === 0 ? '' : `, ${number(run.jobs.failed)} failed`;
  const waiting = run.waiting === undefined ? '' : `; ${counted(run.waiting.jobs, 'job')} waiting: ${run.waiting.reason}`;
  const told = run['engine-trouble'];
  const trouble = told === undefined ? '' : `; the engine is in trouble: ${oneLine(told.message)}`;
  const records = `${counted(run.records.output, 'record')} out`;
  return `${run['run-id']} ${run.state}: ${number(ended)} of ${counted(run.jobs.total, 'job')} ended${failed}, ${records}${waiting}${trouble}`;
}
