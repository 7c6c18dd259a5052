/** `sluice run cancel`: asking for it, and with --wait seeing it done. */
import { RunView } from '#contract/views';
import type { Command } from './command.ts';
import { VIEW_FIELDS } from './run-view.ts';
import { shown, WAIT_FLAGS, WAIT_NOTES, waitOf } from './run-waiting.ts';
import { counted } from './table.ts';

export const runCancel: Command = {
  group: 'run',
  name: 'cancel',
  summary: 'Cancels a run: its jobs are stopped on their engine, and those that have not begun do not begin.',
  operands: ['RUN'],
  flags: WAIT_FLAGS,
  fields: [...new Set([...Object.keys(RunView.shape), ...VIEW_FIELDS])],
  notes: `Jobs that have ended stay as they are, with what they wrote. A job that does not stop is forced to after a minute.

${WAIT_NOTES} A run that was cancelled exits 5, and one whose jobs had all succeeded before they were stopped 0.`,
  examples: [
    'sluice run cancel run_01K8ZC0ED8QZV7N5T9X1M3B2AR',
    'sluice run cancel run_01K8ZC0ED8QZV7N5T9X1M3B2AR --wait --timeout-seconds 120',
  ],
  undone: 'the run was not cancelled',
  async run(context, invocation) {
    const wait = waitOf(invocation);
    const run = await context.client.cancelRun(invocation.operands[0] ?? '');
    const told = `${run['run-id']} ${run.state}: ${counted(run.jobs.open, 'job')} to be stopped`;
    return shown(context, invocation, { runId: run['run-id'], answer: run, told }, wait);
  },
};
