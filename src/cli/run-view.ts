/** `sluice run view`, and how the other commands show a run that they waited for. */
import { JobView, RunView } from '#contract/views';
import type { Command, Context, ExitCode, Invocation } from './command.ts';
import { numberFlag } from './flags.ts';
import { JOB_STATES, jobStateFlag } from './job-flags.ts';
import { jsonText } from './json-text.ts';
import { jobTable, runSummary } from './run-text.ts';
import { counted } from './table.ts';
import { take, tellUnreadable } from './take.ts';

export const JOBS_SHOWN = 100;
/** A run and its jobs in one document; `jobs` are the counts, as in the API. */
export const VIEW_FIELDS: readonly string[] = [...Object.keys(RunView.shape), 'job-list'];

export const runView: Command = {
  group: 'run',
  name: 'view',
  summary: 'Shows a run and its jobs: records, durations, outputs, failures.',
  operands: ['RUN'],
  flags: {
    limit: { short: 'L', value: 'NUMBER', help: `how many jobs (${JOBS_SHOWN})` },
    state: { value: 'STATE', help: `of its jobs those in this state: ${JOB_STATES.join(', ').toLowerCase()}` },
    cost: { help: 'what the run has used, and what that costs on AWS at list prices' },
    'exit-status': { help: 'exit 1 when jobs failed and 5 when the run was cancelled; else 0' },
  },
  fields: VIEW_FIELDS,
  notes: `A job of job-list has ${Object.keys(JobView.shape).join(', ')}.`,
  examples: [
    'sluice run view run_01K8ZC0ED8QZV7N5T9X1M3B2AR',
    'sluice run view run_01K8ZC0ED8QZV7N5T9X1M3B2AR --state failed',
    'sluice run view run_01K8ZC0ED8QZV7N5T9X1M3B2AR --cost',
    'sluice run view run_01K8ZC0ED8QZV7N5T9X1M3B2AR --json state,job-list',
  ],
  undone: 'the run cannot be shown',
  async run(context, invocation) {
    const limit = numberFlag(invocation, 'limit', 1) ?? JOBS_SHOWN;
    const state = jobStateFlag(invocation);
    const run = await context.client.getRun(invocation.operands[0] ?? '', { cost: invocation.has('cost') });
    await showRun(context, run, { limit, ...(state === undefined ? {} : { state }) }, invocation.json);
    return invocation.has('exit-status') ? exitCodeOf(run) : 0;
  },
};

/** Of a run that has ended; one that has not is no failure. */
export function exitCodeOf({ state }: RunView): ExitCode {
  switch (state) {
    case 'ACCEPTED':
    case 'RUNNING':
    case 'CANCELLING':
    case 'SUCCEEDED':
      return 0;
    case 'PARTIAL':
    case 'FAILED':
      return 1;
    case 'CANCELLED':
      return 5;
  }
}

/** Of a run's jobs. */
export interface JobsShown {
  readonly limit: number;
  readonly state?: JobView['state'];
}

export async function showRun(
  { client, stdout, stderr }: Context,
  run: RunView,
  { limit, state }: JobsShown,
  fields: Invocation['json'],
): Promise<void> {
  if (fields !== undefined && fields.length > 0 && !fields.includes('job-list')) {
    stdout.write(jsonText(run, fields));
    return;
  }
  const { items, more, unreadable } = await take(limit, (page) => client.jobs(run['run-id'], { ...page, state }));
  tellUnreadable(stderr, unreadable);
  const all = state === undefined ? `of ${counted(run.jobs.total, 'job')}` : `of the jobs that are ${state}`;
  if (more) stderr.write(`Shown: the first ${limit} ${all}; --limit shows more.\n`);
  if (fields !== undefined) stdout.write(jsonText({ ...run, 'job-list': items }, fields));
  else if (items.length > 0 || state === undefined) stdout.write(`${runSummary(run)}\n${jobTable(items)}`);
  else {
    stdout.write(runSummary(run));
    stderr.write(`No job of the run is ${state}.\n`);
  }
}
