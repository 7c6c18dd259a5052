/** `sluice metrics`: the original's metrics table of a run, and sums by day. */
import { DayTotalsView, MetricsRow } from '#contract/views';
import { UsageError, type Command, type Context } from './command.ts';
import { numberFlag, requiredFlag } from './flags.ts';
import { jsonText } from './json-text.ts';
import { number, oneLine, table } from './table.ts';
import { take } from './take.ts';

const DAYS_SHOWN = 30;

export const metricsListing: Command = {
  group: 'metrics',
  name: 'list',
  isDefault: true,
  summary: 'Prints a row for each job that has ended, of the runs of a name.',
  operands: [],
  flags: {
    'user-run-id': { value: 'NAME', help: 'the name that the start gave the run' },
    csv: { help: "CSV with the original service's columns, all of them" },
  },
  fields: Object.keys(MetricsRow.shape),
  examples: [
    'sluice metrics --user-run-id nightly-2026-07-14',
    'sluice metrics --user-run-id nightly-2026-07-14 --csv > nightly.csv',
    'sluice metrics --user-run-id nightly-2026-07-14 --json job_id,error_message',
  ],
  undone: 'the metrics cannot be shown',
  async run(context, invocation) {
    const { client, stdout, stderr } = context;
    const name = requiredFlag(invocation, 'user-run-id');
    if (invocation.has('csv')) {
      if (invocation.json) throw new UsageError('--csv and --json are two forms of the same: give one');
      return printedCsv(context, name);
    }
    const { items } = await take(Number.POSITIVE_INFINITY, (page) => client.metrics(name, page));
    if (invocation.json) stdout.write(jsonText(items, invocation.json));
    else if (items.length > 0) stdout.write(metricsTable(items));
    else stderr.write(`No job of a run named ${name} has ended.\n`);
    return 0;
  },
};

async function printedCsv({ client, stdout }: Context, name: string): Promise<0> {
  for await (const text of client.metricsCsv(name, { limit: 500 })) stdout.write(text);
  return 0;
}

function metricsTable(rows: readonly MetricsRow[]): string {
  const columns = [
    { title: 'JOB' },
    { title: 'SUCCESS' },
    { title: 'IN', align: 'right' as const },
    { title: 'OUT', align: 'right' as const },
    { title: 'ERROR', align: 'right' as const },
    { title: 'STARTED' },
    { title: 'FINISHED' },
    { title: 'MESSAGE' },
  ];
  return table(
    columns,
    rows.map((row) => [
      row.job_id,
      row.successful_run ? 'yes' : 'no',
      number(row.input_record_count),
      number(row.output_record_count),
      number(row.error_record_count),
      row.start_time ?? '',
      row.finish_time ?? '',
      oneLine(row.error_message),
    ]),
  );
}

export const metricsDaily: Command = {
  group: 'metrics',
  name: 'daily',
  summary: 'Sums up the runs that have ended by the day (UTC) of their start, the newest day first.',
  operands: [],
  flags: {
    'template-id': { value: 'TEMPLATE', help: 'the runs of this template alone' },
    limit: { short: 'L', value: 'NUMBER', help: `how many days that have runs (${DAYS_SHOWN})` },
  },
  fields: Object.keys(DayTotalsView.shape),
  examples: ['sluice metrics daily', 'sluice metrics daily --template-id tmpl_csv-to-parquet --limit 7'],
  undone: 'the sums cannot be shown',
  async run({ client, stdout, stderr }, invocation) {
    const limit = numberFlag(invocation, 'limit', 1) ?? DAYS_SHOWN;
    const templateId = invocation.text('template-id');
    const { items, more } = await take(limit, (page) => client.dailyTotals({ templateId, ...page }));
    if (more) stderr.write(`Shown: the newest ${limit} days; --limit shows more.\n`);
    if (invocation.json) stdout.write(jsonText(items, invocation.json));
    else if (items.length > 0) stdout.write(dayTable(items));
    else stderr.write('No run has ended.\n');
    return 0;
  },
};

function dayTable(days: readonly DayTotalsView[]): string {
  const titles = ['RUNS', 'FINISHED', 'FAILED', 'CANCELLED', 'IN', 'OUT', 'ERROR'];
  const columns = [{ title: 'DAY' }, ...titles.map((title) => ({ title, align: 'right' as const }))];
  const rows = days.map(({ day, runs, jobs, records }) => [
    day,
    ...[runs, jobs.finished, jobs.failed, jobs.cancelled, records.input, records.output, records.error].map(number),
  ]);
  return table(columns, rows);
}
