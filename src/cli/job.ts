/** `sluice job`: looking at one job, above all at one that failed. */
import { ReportedJobView } from '#contract/job-views';
import { HistoryEntryView, JobComparison, JobView } from '#contract/views';
import { UsageError, type Command, type Context, type Invocation } from './command.ts';
import { numberFlag } from './flags.ts';
import { ofRun } from './job-flags.ts';
import { differenceTable, historyTable, jobSummary, parameterTable } from './job-text.ts';
import { jsonText } from './json-text.ts';
import { reportedJobSummary } from './reported-job-text.ts';
import { take } from './take.ts';

const EVENTS_SHOWN = 100;
const JOB = 'job_01K8ZC0ED8QZV7N5T9X1M3B2AR_00000';

const idOf = ({ operands }: Invocation): string => operands[0] ?? '';

export const jobView: Command = {
  group: 'job',
  name: 'view',
  summary: 'Shows a job: its state, its failure, what it counted and wrote, and its job on the engine.',
  operands: ['JOB'],
  flags: {},
  fields: [...new Set([...Object.keys(JobView.shape), ...Object.keys(ReportedJobView.shape)])],
  notes: 'The ids of the jobs of a run: sluice run view RUN --json job-list.',
  examples: [`sluice job view ${JOB}`, `sluice job view ${JOB} --json state,failure,metrics`],
  undone: 'the job cannot be shown',
  async run({ client, stdout }, invocation) {
    const job = await client.getAnyJob(idOf(invocation));
    const text = 'kind' in job ? reportedJobSummary(job) : jobSummary(job);
    stdout.write(invocation.json ? jsonText(job, invocation.json) : text);
    return 0;
  },
};

export const jobHistory: Command = {
  group: 'job',
  name: 'history',
  summary: 'Lists what happened to a job, the oldest first.',
  operands: ['JOB'],
  flags: { limit: { short: 'L', value: 'NUMBER', help: `how many events (${EVENTS_SHOWN})` } },
  fields: Object.keys(HistoryEntryView.shape),
  examples: [`sluice job history ${JOB}`, `sluice job history ${JOB} --json at,name,from,to`],
  undone: 'the history cannot be shown',
  async run({ client, stdout, stderr }, invocation) {
    const limit = numberFlag(invocation, 'limit', 1) ?? EVENTS_SHOWN;
    const { items, more } = await take(limit, (page) => client.history(idOf(invocation), page));
    if (more) stderr.write(`Shown: the oldest ${limit}; --limit shows more.\n`);
    if (invocation.json) stdout.write(jsonText(items, invocation.json));
    else if (items.length > 0) stdout.write(historyTable(items));
    else stderr.write('Nothing has happened to the job yet.\n');
    return 0;
  },
};

const PARAMETER_FIELDS = ['job-id', 'parameters'];
const DIFFERENCE_FIELDS = Object.keys(JobComparison.shape);

export const jobParams: Command = {
  group: 'job',
  name: 'params',
  summary: 'Shows the parameters of a job and where each came from, or what differs from the last success of its set.',
  operands: ['JOB'],
  flags: { diff: { help: 'what differs from the last success of the same set' } },
  fields: [...new Set([...PARAMETER_FIELDS, ...DIFFERENCE_FIELDS])],
  notes: `A value is printed as -p takes it: text that would read as something else has quotes. REPLACED is the template's value that
the caller's stands for. --json has ${PARAMETER_FIELDS.join(', ')}; with --diff ${DIFFERENCE_FIELDS.join(', ')}.`,
  examples: [`sluice job params ${JOB}`, `sluice job params ${JOB} --diff`, `sluice job params ${JOB} --diff --json differences`],
  undone: 'the parameters cannot be shown',
  async run(context, invocation) {
    const isDiff = invocation.has('diff');
    const known = isDiff ? DIFFERENCE_FIELDS : PARAMETER_FIELDS;
    const unknown = invocation.json?.find((field) => !known.includes(field));
    if (unknown !== undefined)
      throw new UsageError(`--json ${isDiff ? 'with' : 'without'} --diff knows no field "${unknown}"; it has ${known.join(', ')}`);
    await (isDiff ? showDifferences(context, invocation) : showParameters(context, invocation));
    return 0;
  },
};

async function showParameters({ client, stdout, stderr }: Context, invocation: Invocation): Promise<void> {
  const job = await client.getAnyJob(idOf(invocation));
  const { 'job-id': id, parameters = {} } = ofRun(job, jobParams.undone, 'it has data, and no parameters');
  if (invocation.json) stdout.write(jsonText({ 'job-id': id, parameters }, invocation.json));
  else if (Object.keys(parameters).length > 0) stdout.write(parameterTable(parameters));
  else stderr.write('The job has no parameters.\n');
}

async function showDifferences({ client, stdout, stderr }: Context, invocation: Invocation): Promise<void> {
  const comparison = await client.compareJob(idOf(invocation));
  const { 'compared-with': success, differences } = comparison;
  if (invocation.json) {
    stdout.write(jsonText(comparison, invocation.json));
  } else if (success === null) {
    stderr.write('No earlier success of this set exists: there is nothing to compare with.\n');
  } else {
    const same = differences.length === 0 ? 'Every parameter is the same.\n' : `\n${differenceTable(differences)}`;
    stdout.write(`Compared with ${success['job-id']}, the last success of this set (${success['updated-at']}).\n${same}`);
  }
}
