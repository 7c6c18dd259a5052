/** What the commands have in common that set a run going: its id alone, or the run at its end where --wait is given. */
import { ApiError } from '#client/errors';
import { CommandFailure, UsageError, type Context, type ExitCode, type Flag, type Invocation } from './command.ts';
import { failureOf } from './failures.ts';
import { numberFlag } from './flags.ts';
import { jsonText } from './json-text.ts';
import { exitCodeOf, JOBS_SHOWN } from './run-view.ts';
import { followed, type Following } from './run-watch.ts';

export const WAIT_FLAGS: Readonly<Record<string, Flag>> = {
  wait: { short: 'w', help: 'until the run has ended' },
  'timeout-seconds': { value: 'NUMBER', help: 'of the wait; after it the run goes on' },
  limit: { short: 'L', value: 'NUMBER', help: `jobs shown after a wait (${JOBS_SHOWN})` },
};

export const WAIT_NOTES = `Without --wait the run's id alone goes to stdout. With it the run and its jobs do, once it has ended, and the exit code says
how it ended.`;

/** Read before anything is sent: undefined without --wait. */
export function waitOf(invocation: Invocation): Following | undefined {
  const timeoutSeconds = numberFlag(invocation, 'timeout-seconds', 0);
  const limit = numberFlag(invocation, 'limit', 1) ?? JOBS_SHOWN;
  if (invocation.has('wait')) return { limit, timeoutSeconds, fields: invocation.json };
  if (timeoutSeconds !== undefined) throw new UsageError('--timeout-seconds is for --wait');
  return undefined;
}

export interface SetGoing {
  readonly runId: string;
  /** The answer of the API. */
  readonly answer: object;
  /** For people, where nobody waits. */
  readonly told: string;
}

/** Prints the id, or waits and shows the run. */
export async function shown(
  context: Context,
  invocation: Invocation,
  { runId, answer, told }: SetGoing,
  wait: Following | undefined,
): Promise<ExitCode> {
  if (wait) {
    context.stderr.write(`${told}; Ctrl-C ends the waiting, not the run\n`);
    return exitCodeOf(await followed(context, runId, wait));
  }
  context.stderr.write(`${told}. Look at it: sluice run view ${runId}\n`);
  context.stdout.write(invocation.json ? jsonText(answer, invocation.json) : `${runId}\n`);
  return 0;
}

/** Refused is not done; where the answer is missing, nobody here knows: `what` and `same` say so, and how to send it again. */
export async function answered<Answer>(
  sent: Promise<Answer>,
  { what, same }: { readonly what: string; readonly same: string },
): Promise<Answer> {
  try {
    return await sent;
  } catch (error) {
    if (error instanceof ApiError && error.status < 500) throw error;
    const { exitCode, why, next } = failureOf(error, { what: '', help: '' });
    throw new CommandFailure(exitCode, { what, why, next: `${next} ${same}` });
  }
}
