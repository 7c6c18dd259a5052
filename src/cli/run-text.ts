/** Runs and jobs as text. Pure: what is printed where is the commands' matter. */
import type { JobView, RunView } from '#contract/views';
import { duration, nameLines, number, oneLine, table } from './table.ts';

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
  const { jobs, records, closing } = run;
  const took = runDuration(run);
  const lines: readonly (readonly [string, string])[] = [
    ['user run', `${run['user-run-id']} of ${run['user-id']}`],
    ['pattern', `${run['source-type']} to ${run['target-type']}, ${run['template-id']} version ${run['template-version']}`],
    ['jobs', `${number(jobs.total)}: ${jobCounts(run)}`],
    ['records', `${number(records.input)} in, ${number(records.output)} out, ${number(records.error)} in error`],
    ['created', run['created-at']],
    ...(run['finished-at'] === undefined ? [] : [['finished', `${run['finished-at']}${took === undefined ? '' : ` (${took})`}`] as const]),
    ...(closing === undefined ? [] : [['closing', `${closing.reason}: ${oneLine(closing.message)}`] as const]),
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

/** One row per parameter set, in their order; the message of a failure in one line. */
export function jobTable(jobs: readonly JobView[]): string {
  const columns = [
    { title: 'SET', align: 'right' as const },
    { title: 'STATE' },
    { title: 'IN', align: 'right' as const },
    { title: 'OUT', align: 'right' as const },
    { title: 'ERROR', align: 'right' as const },
    { title: 'DURATION', align: 'right' as const },
    { title: 'OUTPUT OR FAILURE' },
  ];
  return table(columns, jobs.map(jobRow));
}

function jobRow({ index, state, metrics, failure }: JobView): readonly string[] {
  const took = metrics?.['duration-ms'];
  return [
    number(index),
    state,
    metrics ? number(metrics['input-record-count']) : '',
    metrics ? number(metrics['output-record-count']) : '',
    metrics ? number(metrics['error-record-count']) : '',
    took === undefined ? '' : duration(took),
    failure ? `${failure.reason}: ${oneLine(failure.message)}` : (metrics?.outputs ?? []).join(', '),
  ];
}

/** What a terminal shows while somebody waits. */
export function progress(run: RunView): string {
  const ended = run.jobs.total - run.jobs.open;
  const failed = run.jobs.failed === 0 ? '' : `, ${number(run.jobs.failed)} failed`;
  return `${run['run-id']} ${run.state}: ${number(ended)} of ${number(run.jobs.total)} jobs ended${failed}, ${number(run.records.output)} records out`;
}
