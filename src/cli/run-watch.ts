/** `sluice run watch`: following a run to its end. `run start --wait` does the same with a run of its own. */
import type { RunView } from '#contract/views';
import { CommandFailure, type Command, type Context, type Invocation, type Output } from './command.ts';
import { failureOf } from './failures.ts';
import { numberFlag } from './flags.ts';
import { progress } from './run-text.ts';
import { exitCodeOf, JOBS_SHOWN, showRun, VIEW_FIELDS } from './run-view.ts';
import { counted, number } from './table.ts';

export const runWatch: Command = {
  group: 'run',
  name: 'watch',
  summary: 'Follows a run until it ends, then shows it.',
  operands: ['RUN'],
  flags: {
    'exit-status': { help: 'exit 1 when jobs failed and 5 when the run was cancelled; else 0' },
    'timeout-seconds': { value: 'NUMBER', help: 'of the watch; after it the run goes on' },
    limit: { short: 'L', value: 'NUMBER', help: `how many jobs are shown at the end (${JOBS_SHOWN})` },
  },
  fields: VIEW_FIELDS,
  notes: `How the run stands is told on stderr: in a terminal as one line that changes, else as a line for each change. Ctrl-C ends the
watch, not the run. A watch that times out exits 3, with or without --exit-status.`,
  examples: [
    'sluice run watch run_01K8ZC0ED8QZV7N5T9X1M3B2AR',
    'sluice run watch run_01K8ZC0ED8QZV7N5T9X1M3B2AR --exit-status --timeout-seconds 600',
    'sluice run watch "$(sluice run start -s csv -t parquet --params-file sets.json)" --json state,records',
  ],
  undone: 'the run cannot be watched',
  async run(context, invocation) {
    const id = invocation.operands[0] ?? '';
    const limit = numberFlag(invocation, 'limit', 1) ?? JOBS_SHOWN;
    const timeoutSeconds = numberFlag(invocation, 'timeout-seconds', 0);
    // A run that cannot be read from the start is told as that, not as a watch that broke off.
    await context.client.getRun(id);
    const run = await followed(context, id, { limit, timeoutSeconds, fields: invocation.json });
    return invocation.has('exit-status') ? exitCodeOf(run) : 0;
  },
};

export interface Following {
  readonly limit: number;
  readonly timeoutSeconds: number | undefined;
  readonly fields: Invocation['json'];
}

/** The run at its end, after it was shown; shown as well, and thrown about, where the time was up before. */
export async function followed(context: Context, id: string, { limit, timeoutSeconds, fields }: Following): Promise<RunView> {
  const telling = progressOn(context.stderr);
  const { kind, run } = await context.client
    .waitForRun(id, { ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }), onChange: telling.tell })
    .catch((error: unknown) => {
      throw failureOf(error, { what: `the wait broke off; ${id} goes on`, help: '' });
    })
    .finally(telling.end);
  await showRun(context, run, { limit }, fields);
  if (kind === 'ended') return run;
  throw new CommandFailure(3, {
    what: 'the wait timed out; the run goes on',
    why: `${number(run.jobs.open)} of ${counted(run.jobs.total, 'job')} of ${id} had not ended after ${counted(timeoutSeconds ?? 0, 'second')}`,
    next: `sluice run view ${id} shows how it stands.`,
  });
}

/** A terminal has one line, which is written over; a file or a pipe gets a line for each change. */
function progressOn(stderr: Output): { readonly tell: (run: RunView) => void; readonly end: () => void } {
  const live = stderr.isTTY === true;
  const cleared = '\r\u001b[2K';
  let told = '';
  return {
    tell(run) {
      const text = progress(run);
      if (text !== told) stderr.write(live ? `${cleared}${text}` : `${text}\n`);
      told = text;
    },
    end() {
      if (live) stderr.write(cleared);
    },
  };
}
