/** `sluice run retry`: a new attempt of jobs that failed, in the same run. */
import { RunRetried } from '#contract/views';
import { UsageError, type Command } from './command.ts';
import { SELECTION_FLAGS, selectionOf } from './job-selection.ts';
import { VIEW_FIELDS } from './run-view.ts';
import { answered, shown, WAIT_FLAGS, WAIT_NOTES, waitOf } from './run-waiting.ts';
import { counted } from './table.ts';

export const runRetry: Command = {
  group: 'run',
  name: 'retry',
  summary: 'Retries jobs that failed, in the same run and with the same parameters; what succeeded stays.',
  operands: ['RUN'],
  flags: {
    ...SELECTION_FLAGS,
    'idempotency-key': { value: 'KEY', help: 'the same key is the same retry (else a new one)' },
    ...WAIT_FLAGS,
  },
  fields: [...new Set([...Object.keys(RunRetried.shape), ...VIEW_FIELDS])],
  notes: `One of --failed, --reason, --index and --set-key says which jobs; --reason narrows what the others select. A job that has not
failed so is refused by its name, and nothing is retried. The run is open again until the last of them has ended, and
then as all its jobs are. To run sets under other parameters or another version of the template, clone the run.

${WAIT_NOTES}`,
  examples: [
    'sluice run retry run_01K8ZC0ED8QZV7N5T9X1M3B2AR --failed --wait',
    'sluice run retry run_01K8ZC0ED8QZV7N5T9X1M3B2AR --reason lost --reason timed-out',
    'sluice run retry run_01K8ZC0ED8QZV7N5T9X1M3B2AR --index 3 --index 17',
  ],
  undone: 'nothing was retried',
  async run(context, invocation) {
    const wait = waitOf(invocation);
    const selection = selectionOf(invocation);
    if (selection === undefined) throw new UsageError('which jobs is not said', 'give --failed for every job that failed.');
    const id = invocation.operands[0] ?? '';
    const idempotencyKey = invocation.text('idempotency-key') ?? context.newRunName('retry');
    const retried = await answered(context.client.retryRun(id, selection, { idempotencyKey }), {
      what: `no answer says that jobs of ${id} were retried`,
      same: `Sent again with --idempotency-key ${idempotencyKey} it is the same retry.`,
    });
    const told = `${id} ${retried.state}: attempt ${retried.attempt} of ${counted(retried['job-ids'].length, 'job')}`;
    return shown(context, invocation, { runId: retried['run-id'], answer: retried, told }, wait);
  },
};
