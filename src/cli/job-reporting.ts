/** `sluice job event` and `job wait`: what happens elsewhere, told here and waited for. */
import type { AnyJobView } from '#contract/any-job-view';
import { EventTaken, ReportedJobView } from '#contract/job-views';
import { JobView } from '#contract/views';
import { CommandFailure, UsageError, type Command, type ExitCode } from './command.ts';
import { numberFlag } from './flags.ts';
import { JOB_EVENTS, JOB_TOKEN_FLAGS, JOB_TOKEN_NOTES, objectFlag, REPORTED_JOB, reporting } from './job-flags.ts';
import { jsonText } from './json-text.ts';
import { answered } from './run-waiting.ts';
import { counted } from './table.ts';

export const jobEvent: Command = {
  group: 'job',
  name: 'event',
  summary: 'Sends an event about a job; prints the state that it led to.',
  operands: ['JOB', 'EVENT'],
  flags: {
    data: { short: 'd', value: 'JSON', help: 'what is kept with it, a JSON object; @FILE reads a file' },
    id: { value: 'ID', help: 'of the event: sent again under the same id it is applied once (made anew)' },
    ...JOB_TOKEN_FLAGS,
  },
  fields: Object.keys(EventTaken.shape),
  notes: `EVENT is one of ${JOB_EVENTS.join(', ')}.
What the state does not allow is refused with the events that it allows, exit code 2. reset and ready need the scope admin.
${JOB_TOKEN_NOTES}`,
  examples: [
    `sluice job event ${REPORTED_JOB} run`,
    `sluice job event ${REPORTED_JOB} update --data '{"step":"aligned"}' --token-file s-1.token`,
    `SLUICE_JOB_TOKEN="$TOKEN" sluice job event ${REPORTED_JOB} fail --data '{"message":"no disk"}'`,
  ],
  undone: 'the event was not applied',
  async run(context, invocation) {
    const { stdout, stderr } = context;
    const [id = '', word = ''] = invocation.operands;
    const name = JOB_EVENTS.find((each) => each === word.toLowerCase());
    if (name === undefined) throw new UsageError(`there is no event "${word}"; there are ${JOB_EVENTS.join(', ')}`);
    const data = objectFlag(context, invocation, 'data');
    const eventId = invocation.text('id');
    const same = eventId === undefined ? `Look first: sluice job history ${id} shows what was applied.` : 'The same id is applied once.';
    const sent = reporting(context, invocation).handle(name, data, eventId === undefined ? {} : { id: eventId });
    const taken = await answered(sent, { what: 'whether the event was applied is not known', same });
    if (taken['recorded-as'] !== undefined)
      stderr.write(`It is kept as ${taken['recorded-as']}: the job belongs to a run, whose engine is asked what is so.\n`);
    stdout.write(invocation.json ? jsonText(taken, invocation.json) : `${taken.state}\n`);
    return 0;
  },
};

const STATES = ReportedJobView.shape.state.options;

export const jobWait: Command = {
  group: 'job',
  name: 'wait',
  summary: 'Waits until a job has ended, or is in a state; prints its state.',
  operands: ['JOB'],
  flags: {
    until: { value: 'STATE', help: `until it is ${STATES.join(', ').toLowerCase()} (until it has ended)` },
    'timeout-seconds': { value: 'NUMBER', help: 'of the wait; after it the job goes on' },
    ...JOB_TOKEN_FLAGS,
  },
  fields: [...new Set([...Object.keys(ReportedJobView.shape), ...Object.keys(JobView.shape)])],
  notes: `It exits 0 where the job has succeeded (or is in the state of --until), 1 where it failed, was rejected or retired, or has ended
without coming into that state, 5 where it was cancelled. A wait that times out exits 3. Ctrl-C ends the wait, not the job.
${JOB_TOKEN_NOTES}`,
  examples: [
    `sluice job wait ${REPORTED_JOB} --timeout-seconds 600`,
    `sluice job wait ${REPORTED_JOB} --until running --token-file s-1.token`,
  ],
  undone: 'the job cannot be waited for',
  async run(context, invocation) {
    const { stdout, stderr } = context;
    const timeoutSeconds = numberFlag(invocation, 'timeout-seconds', 0);
    const asked = invocation.text('until');
    const until = STATES.find((state) => state === asked?.toUpperCase());
    if (asked !== undefined && until === undefined)
      throw new UsageError(`--until knows no "${asked}"; it takes ${STATES.join(', ').toLowerCase()}`);
    const { kind, job } = await reporting(context, invocation).wait({
      ...(until === undefined ? {} : { until }),
      ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    });
    stdout.write(invocation.json ? jsonText(job, invocation.json) : `${job.state}\n`);
    if (kind === 'timed-out') {
      throw new CommandFailure(3, {
        what: 'the wait timed out; the job goes on',
        why: `${job['job-id']} was ${job.state} after ${counted(timeoutSeconds ?? 0, 'second')}`,
        next: `sluice job view ${job['job-id']} shows how it stands.`,
      });
    }
    if (kind === 'reached' && until !== undefined) return 0;
    if (job.failure) stderr.write(`${job.failure.reason}: ${job.failure.message}\n`);
    const code = exitCodeOf(job);
    // It has ended, but not as what it was waited for.
    return kind === 'missed' && code === 0 ? 1 : code;
  },
};

function exitCodeOf(job: AnyJobView): ExitCode {
  if (job.failure?.reason === 'cancelled' || ('kind' in job && job['withdrawn-at'] !== undefined)) return 5;
  switch (job.state) {
    case 'FINISHED':
    case 'INDEXING':
    case 'VALIDATING':
    case 'VALIDATED':
    case 'FINALIZED':
      return 0;
    case 'FAILED':
    case 'REJECTED':
    case 'RETIRED':
      return 1;
    case 'CREATED':
    case 'RUNNING':
    case 'RESET':
      // Deleted before it had ended.
      return 1;
  }
}
