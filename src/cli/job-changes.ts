/** `sluice job cancel`: one job; and `sluice job set-history`: its set in all runs. */
import { ReportedJobView } from '#contract/job-views';
import { JobView } from '#contract/views';
import { CommandFailure, type Command } from './command.ts';
import { numberFlag } from './flags.ts';
import { ofRun } from './job-flags.ts';
import { jsonText } from './json-text.ts';
import { setHistoryTable } from './job-text.ts';
import { take } from './take.ts';

const JOB = 'job_01K8ZC0ED8QZV7N5T9X1M3B2AR_00000';

export const jobCancel: Command = {
  group: 'job',
  name: 'cancel',
  summary: 'Cancels one job; the others of its run go on.',
  operands: ['JOB'],
  flags: {},
  fields: [...new Set([...Object.keys(JobView.shape), ...Object.keys(ReportedJobView.shape)])],
  notes: `The job's id alone goes to stdout. A job that runs is stopped on its engine, and then recorded as cancelled: job view shows it.
One that reports itself is withdrawn before it runs; later it is refused: sluice job event JOB fail.`,
  examples: [`sluice job cancel ${JOB}`, `sluice job cancel ${JOB} --json state,failure`],
  undone: 'the job was not cancelled',
  async run({ client, stdout, stderr }, invocation) {
    const job = await client.cancelJob(invocation.operands[0] ?? '');
    const how = 'kind' in job ? 'is withdrawn' : job.failure?.reason === 'cancelled' ? 'is cancelled' : 'is being stopped';
    stderr.write(`${job['job-id']} ${how}. Look at it: sluice job view ${job['job-id']}\n`);
    stdout.write(invocation.json ? jsonText(job, invocation.json) : `${job['job-id']}\n`);
    return 0;
  },
};

const JOBS_SHOWN = 20;

export const jobSetHistory: Command = {
  group: 'job',
  name: 'set-history',
  summary: 'Lists what became of the same parameter set in every run of its template, the newest run first.',
  operands: ['JOB'],
  flags: { limit: { short: 'L', value: 'NUMBER', help: `how many jobs (${JOBS_SHOWN})` } },
  fields: Object.keys(JobView.shape),
  notes: `Sets are the same whose parameters are the same: those that the template names as identity, else all that the caller gave.`,
  examples: [`sluice job set-history ${JOB}`, `sluice job set-history ${JOB} --json job-id,state,failure`],
  undone: 'the history of the set cannot be shown',
  async run({ client, stdout, stderr }, invocation) {
    const limit = numberFlag(invocation, 'limit', 1) ?? JOBS_SHOWN;
    const found = await client.getAnyJob(invocation.operands[0] ?? '');
    const job = ofRun(found, jobSetHistory.undone, 'it is of no parameter set');
    const setKey = job['set-key'];
    if (setKey === undefined) {
      const why = `the jobs of ${job['run-id']} are still being made`;
      throw new CommandFailure(2, { what: jobSetHistory.undone, why, next: 'send the same command again in a moment.' });
    }
    const { 'template-id': templateId } = await client.getRun(job['run-id']);
    const { items, more } = await take(limit, (page) => client.setJobs(templateId, setKey, page));
    stderr.write(`Set ${setKey} of ${templateId}.\n`);
    if (more) stderr.write(`Shown: the newest ${limit}; --limit shows more.\n`);
    stdout.write(invocation.json ? jsonText(items, invocation.json) : setHistoryTable(items));
    return 0;
  },
};
