/** `sluice job metrics`: what a job has counted, and how that came about where it was sampled. */
import { MetricsView, SampleView, type JobView } from '#contract/views';
import { UsageError, type Command, type Context, type Invocation } from './command.ts';
import { numberFlag } from './flags.ts';
import { ofRun } from './job-flags.ts';
import { metricsLines } from './job-text.ts';
import { jsonText } from './json-text.ts';
import { nameLines, number, table } from './table.ts';
import { take } from './take.ts';

const SAMPLES_SHOWN = 60;
const JOB = 'job_01K8ZC0ED8QZV7N5T9X1M3B2AR_00000';

const METRIC_FIELDS = ['metrics-state', 'metrics-unavailable-because', ...Object.keys(MetricsView.shape)];
const SAMPLE_FIELDS = Object.keys(SampleView.shape);

export const jobMetrics: Command = {
  group: 'job',
  name: 'metrics',
  summary: 'Shows what a job has counted; with --series what it had counted while it ran, sample by sample.',
  operands: ['JOB'],
  flags: {
    series: { help: 'the samples of a streaming job, the newest first' },
    limit: { short: 'L', value: 'NUMBER', help: `with --series: how many samples (${SAMPLES_SHOWN})` },
    from: { value: 'TIME', help: 'with --series: none before that, as 2026-11-21T08:00:00Z' },
    to: { value: 'TIME', help: 'with --series: none after that' },
    'oldest-first': { help: 'with --series: from the oldest on' },
  },
  fields: [...new Set([...METRIC_FIELDS, ...SAMPLE_FIELDS])],
  notes: `Samples are kept for 30 days. --json has ${METRIC_FIELDS.join(', ')}; with --series ${SAMPLE_FIELDS.join(', ')}.`,
  examples: [
    `sluice job metrics ${JOB}`,
    `sluice job metrics ${JOB} --series`,
    `sluice job metrics ${JOB} --series --json at,input-record-count`,
  ],
  undone: 'the metrics cannot be shown',
  async run(context, invocation) {
    const isSeries = invocation.has('series');
    const known = isSeries ? SAMPLE_FIELDS : METRIC_FIELDS;
    const unknown = invocation.json?.find((field) => !known.includes(field));
    if (unknown !== undefined)
      throw new UsageError(`--json ${isSeries ? 'with' : 'without'} --series knows no field "${unknown}"; it has ${known.join(', ')}`);
    const surplus = ['limit', 'from', 'to', 'oldest-first'].find((flag) => !isSeries && invocation.has(flag));
    if (surplus !== undefined) throw new UsageError(`--${surplus} says which samples: give --series as well`);
    await (isSeries ? showSeries(context, invocation) : showMetrics(context, invocation));
    return 0;
  },
};

async function showMetrics({ client, stdout, stderr }: Context, invocation: Invocation): Promise<void> {
  const job = ofRun(await client.getAnyJob(invocation.operands[0] ?? ''), jobMetrics.undone, 'what it counts is in its history');
  const { metrics, 'metrics-state': state, 'metrics-unavailable-because': reason } = job;
  if (invocation.json) {
    const told = { ...(state ? { 'metrics-state': state } : {}), ...(reason ? { 'metrics-unavailable-because': reason } : {}), ...metrics };
    stdout.write(jsonText(told, invocation.json));
  } else if (metrics) stdout.write(`${job['job-id']} ${job.state}\n${nameLines(metricsLines(metrics, state))}`);
  else stderr.write(`${noMetricsText(job)}\n`);
}

function noMetricsText({ 'metrics-state': state, 'metrics-unavailable-because': reason }: JobView): string {
  if (state === 'unavailable') return `The counts of this job are unavailable: ${reason ?? 'nobody knows why'}.`;
  return state === 'pending'
    ? 'The engine has not told the counts of this job yet.'
    : 'The job has not ended yet; --series shows its samples.';
}

async function showSeries({ client, stdout, stderr }: Context, invocation: Invocation): Promise<void> {
  const limit = numberFlag(invocation, 'limit', 1) ?? SAMPLES_SHOWN;
  const order = invocation.has('oldest-first') ? 'oldest-first' : 'newest-first';
  const range = { from: invocation.text('from'), to: invocation.text('to'), order } as const;
  const { items, more } = await take(limit, (page) => client.samples(invocation.operands[0] ?? '', { ...range, ...page }));
  if (more) stderr.write(`Shown: the ${order === 'newest-first' ? 'newest' : 'oldest'} ${limit}; --limit shows more.\n`);
  if (invocation.json) stdout.write(jsonText(items, invocation.json));
  else if (items.length > 0) stdout.write(seriesTable(items));
  else stderr.write('The job has no samples. Jobs of templates with streaming are sampled while they run.\n');
}

function seriesTable(samples: readonly SampleView[]): string {
  const counts = ['IN', 'OUT', 'ERROR'].map((title) => ({ title, align: 'right' as const }));
  return table(
    [{ title: 'TIME' }, { title: 'ATTEMPT', align: 'right' as const }, ...counts],
    samples.map((sample) => [
      sample.at,
      number(sample.attempt),
      ...[sample['input-record-count'], sample['output-record-count'], sample['error-record-count']].map(number),
    ]),
  );
}
