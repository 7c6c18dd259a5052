/** A job that reports itself as text. Pure. */
import type { ReportedJobView } from '#contract/job-views';
import { nameLines, number, oneLine, table } from './table.ts';

export function reportedJobList(jobs: readonly ReportedJobView[]): string {
  const columns = [
    { title: 'JOB' },
    { title: 'STATE' },
    { title: 'PIPELINE' },
    { title: 'ATTEMPT', align: 'right' as const },
    { title: 'LAST EVENT' },
    { title: 'UPDATED' },
    { title: 'FAILURE' },
  ];
  const rows = jobs.map(({ failure, ...job }) => [
    job['job-id'],
    job.state,
    oneLine(job.pipeline),
    number(job.attempt),
    job['last-event'],
    job['updated-at'],
    failure ? `${failure.reason}: ${oneLine(failure.message)}` : '',
  ]);
  return table(columns, rows);
}

export function reportedJobSummary(job: ReportedJobView): string {
  const { failure, data = {}, deadline } = job;
  const within = job['expect-update-within-seconds'];
  const limits = [
    ...(within === undefined ? [] : [`heard of every ${number(within)} s`]),
    ...(deadline === undefined ? [] : [`ended by ${deadline}`]),
  ];
  const lines: readonly (readonly [string, string | undefined])[] = [
    ['pipeline', job.pipeline === job['pipeline-uuid'] ? job.pipeline : `${job.pipeline} (${job['pipeline-uuid']})`],
    ['parents', job.parents.length > 0 ? job.parents.join('\n') : undefined],
    ['attempt', number(job.attempt)],
    ['last event', `${job['last-event']}, ${job.sequence} in all`],
    ['failure', failure && `${failure.reason}: ${failure.message}`],
    ['withdrawn', job['withdrawn-at']],
    ['deleted', job['deleted-at'] && `${job['deleted-at']}; gone at ${job['purge-at'] ?? ''}`],
    ['limits', limits.length > 0 ? limits.join(', ') : undefined],
    ['fails at', job['due-at'] && `${job['due-at']}, unless it is heard of`],
    ['data', Object.keys(data).length > 0 ? JSON.stringify(data) : undefined],
    ['archive', job['archive-path']],
    ['patterns', job['archive-patterns']?.join('\n')],
    ['registered', `${job['created-at']}${job['registered-by'] === undefined ? '' : ` by ${job['registered-by']}`}`],
    ['updated', job['updated-at']],
  ];
  return `${job['job-id']} ${job.state}\n${nameLines(lines.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])))}`;
}
