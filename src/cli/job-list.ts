/** `sluice job list`: finding jobs again that report themselves. */
import type { ReportedJobFilter } from '#client/reported-job-client';
import { ReportedJobView } from '#contract/job-views';
import { UsageError, type Command, type Invocation } from './command.ts';
import { numberFlag } from './flags.ts';
import { JOB_STATES, jobStateFlag } from './job-flags.ts';
import { jsonText } from './json-text.ts';
import { reportedJobList } from './reported-job-text.ts';
import { take, tellUnreadable } from './take.ts';

export const jobListing: Command = {
  group: 'job',
  name: 'list',
  summary: 'Lists jobs that report themselves, the newest first. Those of a run: sluice run view.',
  operands: [],
  flags: {
    pipeline: { value: 'PIPELINE', help: 'jobs of this pipeline, a name or a typed UUID' },
    parent: { value: 'UUID', help: 'jobs that were made from this' },
    state: { value: 'STATE', help: `jobs in this state: ${JOB_STATES.join(', ').toLowerCase()}` },
    quiet: { short: 'q', help: 'the ids alone, one in a line' },
    limit: { short: 'L', value: 'NUMBER', help: 'how many (20)' },
  },
  fields: Object.keys(ReportedJobView.shape),
  notes: 'A job is listed that fits all that is given. What was withdrawn or deleted is in no list.',
  examples: [
    'sluice job list --state running',
    'sluice job list --pipeline align --state failed --json job-id,failure',
    'sluice job list --pipeline align --state created -q | xargs -n 1 sluice job cancel',
  ],
  undone: 'the jobs cannot be listed',
  async run({ client, stdout, stderr }, invocation) {
    const limit = numberFlag(invocation, 'limit', 1) ?? 20;
    const filter = filterOf(invocation);
    const isQuiet = invocation.has('quiet');
    if (isQuiet && invocation.json) throw new UsageError('--quiet and --json are two forms of the same: give one');
    const { items, more, unreadable } = await take(limit, (page) => client.reportedJobs({ ...filter, ...page }));
    tellUnreadable(stderr, unreadable);
    if (more) stderr.write(`Shown: the newest ${limit}; --limit shows more.\n`);
    if (isQuiet) stdout.write(items.map((job) => `${job['job-id']}\n`).join(''));
    else if (invocation.json) stdout.write(jsonText(items, invocation.json));
    else if (items.length > 0) stdout.write(reportedJobList(items));
    else stderr.write(Object.keys(filter).length > 0 ? 'No job fits.\n' : 'No job that reports itself is registered.\n');
    return 0;
  },
};

function filterOf(invocation: Invocation): ReportedJobFilter {
  const [pipeline, parent, state] = [invocation.text('pipeline'), invocation.text('parent'), jobStateFlag(invocation)];
  return {
    ...(pipeline === undefined ? {} : { pipeline }),
    ...(parent === undefined ? {} : { parent }),
    ...(state === undefined ? {} : { state }),
  };
}
