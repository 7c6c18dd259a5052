/** One job as text: how it stands, what happened to it, what it was started with. Pure. */
import type { HistoryEntryView, JobComparison, JobView } from '#contract/views';
import { valueOf } from './parameter-sets.ts';
import { queueText } from '#client/run-words';
import { duration, nameLines, number, oneLine, table } from './table.ts';

export type JobParameters = NonNullable<JobView['parameters']>;
type Value = JobParameters[string]['value'];

export function jobSummary(job: JobView): string {
  const { failure, metrics, links, 'set-key': setKey, 'cancel-requested-at': cancelledAt } = job;
  const { warning, stopping, 'metrics-state': state, 'metrics-unavailable-because': reason } = job;
  const queue = queueText(job);
  const engine = [
    ['job', job['engine-job-id']],
    ['on', metrics?.['engine-id']],
    ['pipeline', metrics?.['pipeline-id']],
  ].flatMap(([name, id]) => (id === undefined ? [] : [`${name} ${id}`]));
  return `${job['job-id']} ${job.state}\n${nameLines([
    ['run', `${job['run-id']}, set ${job.index}`],
    ...(setKey === undefined ? [] : [['set key', setKey] as const]),
    ['attempt', number(job.attempt)],
    ...(queue === undefined ? [] : [['queued', queue] as const]),
    ...(cancelledAt === undefined ? [] : [['cancel', `asked for at ${cancelledAt}; it is being stopped`] as const]),
    ...(stopping === undefined ? [] : [['stop', stopLines(stopping)] as const]),
    ...(failure ? [['failure', `${failure.reason}: ${failure.message}`] as const] : []),
    ...(warning === undefined ? [] : [['warning', warning] as const]),
    ...(metrics ? metricsLines(metrics, state) : []),
    ...(state === 'unavailable' ? [['records', `unavailable: ${reason ?? 'for no reason given'}`] as const] : []),
    ...(state === 'pending' && !metrics ? [['records', 'still to come'] as const] : []),
    ...(engine.length > 0 ? [['engine', engine.join(', ')] as const] : []),
    ['created', job['created-at']],
    ['updated', job['updated-at']],
    ['links', linkLines(links)],
  ])}`;
}

function stopLines({ reason, 'asked-at': askedAt, 'forced-at': forcedAt, fault }: NonNullable<JobView['stopping']>): string {
  const forced = forcedAt === undefined ? '' : `, by force since ${forcedAt}`;
  const unheard = fault === undefined ? '' : `\nthe engine could not be told, and is told again: ${fault}`;
  return `as ${reason}, since ${askedAt}${forced}${unheard}`;
}

const STANDING = { settled: '', pending: ' so far', provisional: ', not confirmed by the engine', unavailable: '' } as const;

export function metricsLines(
  metrics: NonNullable<JobView['metrics']>,
  state: JobView['metrics-state'] = 'settled',
): readonly (readonly [string, string])[] {
  const [input, output, error] = [metrics['input-record-count'], metrics['output-record-count'], metrics['error-record-count']];
  const { 'started-at': startedAt, 'finished-at': finishedAt, 'duration-ms': took, outputs = [] } = metrics;
  return [
    ['records', `${number(input)} in, ${number(output)} out, ${number(error)} in error${STANDING[state]}`],
    ...(outputs.length > 0 ? [['outputs', outputs.join('\n')] as const] : []),
    ...(startedAt === undefined ? [] : [['started', startedAt] as const]),
    ...(finishedAt === undefined ? [] : [['finished', `${finishedAt}${took === undefined ? '' : ` (${duration(took)})`}`] as const]),
  ];
}

function linkLines(links: JobView['links']): string {
  const width = Math.max(...Object.keys(links).map((name) => name.length));
  return Object.entries(links)
    .map(([name, path]) => `${name.padEnd(width)}  ${path}`)
    .join('\n');
}

export function historyTable(entries: readonly HistoryEntryView[]): string {
  const columns = [
    { title: 'SEQ', align: 'right' as const },
    { title: 'TIME' },
    { title: 'EVENT' },
    { title: 'FROM → TO' },
    { title: 'ATTEMPT', align: 'right' as const },
    { title: 'ACTOR' },
    { title: 'DATA' },
  ];
  const rows = entries.map(({ sequence, at, name, from, to, attempt, actor, data, refused }) => [
    String(sequence),
    at,
    name,
    refused ? `${to} refused it` : from === null ? `→ ${to}` : `${from} → ${to}`,
    String(attempt),
    actor,
    data === undefined ? '' : JSON.stringify(data),
  ]);
  return table(columns, rows);
}

/** Of one set in several runs. */
export function setHistoryTable(jobs: readonly JobView[]): string {
  const columns = [
    { title: 'JOB' },
    { title: 'STATE' },
    { title: 'ATTEMPT', align: 'right' as const },
    { title: 'OUT', align: 'right' as const },
    { title: 'DURATION', align: 'right' as const },
    { title: 'UPDATED' },
    { title: 'FAILURE' },
  ];
  const rows = jobs.map(({ metrics, failure, ...job }) => {
    const took = metrics?.['duration-ms'];
    return [
      job['job-id'],
      job.state,
      number(job.attempt),
      metrics ? number(metrics['output-record-count']) : '',
      took === undefined ? '' : duration(took),
      job['updated-at'],
      failure ? `${failure.reason}: ${oneLine(failure.message)}` : '',
    ];
  });
  return table(columns, rows);
}

export function parameterTable(parameters: JobParameters): string {
  const columns = [{ title: 'KEY' }, { title: 'VALUE' }, { title: 'ORIGIN' }, { title: 'REPLACED' }];
  const rows = Object.entries(parameters).map(([key, { value, origin, replaced }]) => [
    key,
    valueText(value),
    origin,
    replaced === undefined ? '' : `${valueText(replaced.value)} of ${replaced.origin}`,
  ]);
  return table(columns, rows);
}

/** A side that did not have the key is empty: an empty text has quotes. */
export function differenceTable(differences: JobComparison['differences']): string {
  const sideText = (value: Value | undefined): string => (value === undefined ? '' : valueText(value));
  const columns = [{ title: 'KEY' }, { title: 'BEFORE' }, { title: 'AFTER' }];
  return table(
    columns,
    differences.map(({ key, before, after }) => [key, sideText(before), sideText(after)]),
  );
}

/** As `-p` takes it: text stands as it is where it reads as text, and in quotes where it would not. */
export function valueText(value: Value): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  const isPlain = value !== '' && value === value.trim() && !/^[[{"]|\p{Cc}/u.test(value) && valueOf(value) === value;
  return isPlain ? value : JSON.stringify(value);
}
