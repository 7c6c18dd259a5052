/** `sluice run start`: parameter sets from words and files become a run. */
import { ApiError } from '#client/errors';
import type { RunRequest } from '#contract/run-request';
import { RunStarted } from '#contract/views';
import { CommandFailure, UsageError, type Command, type Context, type Invocation } from './command.ts';
import { failureOf } from './failures.ts';
import { numberFlag, requiredFlag } from './flags.ts';
import { jsonText } from './json-text.ts';
import { setsOfFile, setsOfFlags } from './parameter-sets.ts';
import { exitCodeOf, JOBS_SHOWN, VIEW_FIELDS } from './run-view.ts';
import { followed } from './run-watch.ts';

export const runStart: Command = {
  group: 'run',
  name: 'start',
  summary: 'Starts a run: one job for each parameter set.',
  operands: [],
  flags: {
    'source-type': { short: 's', value: 'TYPE', help: 'source type of the pattern' },
    'target-type': { short: 't', value: 'TYPE', help: 'target type of the pattern' },
    param: { short: 'p', value: 'KEY=VALUE', multiple: true, help: 'a parameter; all of them form one set' },
    set: { multiple: true, help: 'begins the next set of -p' },
    'params-file': { value: 'FILE', help: 'sets from .json, .ndjson, .jsonl or .csv; those of -p come after them' },
    'user-id': { value: 'NAME', help: 'on whose behalf (the name of the OS user)' },
    'user-run-id': {
      value: 'NAME',
      help: 'your name for the run: the same name is the same run (else the idempotency key or a new one, told on stderr)',
    },
    'idempotency-key': { value: 'KEY', help: 'the same key within 7 days is the same run' },
    wait: { short: 'w', help: 'until the run has ended' },
    'timeout-seconds': { value: 'NUMBER', help: 'of the wait; after it the run goes on' },
    limit: { short: 'L', value: 'NUMBER', help: `jobs shown after a wait (${JOBS_SHOWN})` },
  },
  fields: [...new Set([...Object.keys(RunStarted.shape), ...VIEW_FIELDS])],
  notes: `Values: 5, -1.5, true, false and null are JSON, anything else is text. Quotes make text of anything: -p 'ZIP="02134"'.
A number of more than 15 digits stays text. In a CSV file a quoted cell is text and an empty one is a parameter not given.

Without --wait the run's id alone goes to stdout. With it the run and its jobs do, once it has ended.`,
  examples: [
    'sluice run start -s csv -t parquet -p SOURCE_PATH=airports.csv -p TARGET_PATH=airports.parquet --wait',
    'sluice run start -s http -t csv --params-file sets.csv --user-run-id nightly-2026-07-14',
    'sluice run start -s http -t csv --set -p COUNTRY=Japan --set -p COUNTRY=Kenya',
    'sluice run view "$(sluice run start -s csv -t parquet --params-file sets.json)"',
  ],
  undone: 'the run was not started',
  async run(context, invocation) {
    const wait = invocation.has('wait');
    const timeoutSeconds = numberFlag(invocation, 'timeout-seconds', 0);
    if (timeoutSeconds !== undefined && !wait) throw new UsageError('--timeout-seconds is for --wait');
    const limit = numberFlag(invocation, 'limit', 1) ?? JOBS_SHOWN;
    const request = requestOf(context, invocation);
    const started = await startedRun(context, request, invocation.text('idempotency-key'));
    if (wait) {
      context.stderr.write(`${started['run-id']} started; Ctrl-C ends the waiting, not the run\n`);
      return exitCodeOf(await followed(context, started['run-id'], { limit, timeoutSeconds, fields: invocation.json }));
    }
    const count = started['job-ids'].length;
    context.stderr.write(`${started.state}: ${count} ${count === 1 ? 'job' : 'jobs'}. Look at it: sluice run view ${started['run-id']}\n`);
    context.stdout.write(invocation.json ? jsonText(started, invocation.json) : `${started['run-id']}\n`);
    return 0;
  },
};

async function startedRun({ client }: Context, request: RunRequest, idempotencyKey: string | undefined): Promise<RunStarted> {
  try {
    return await client.startRun(request, idempotencyKey === undefined ? {} : { idempotencyKey });
  } catch (error) {
    // Refused is not started; where the answer is missing, nobody here knows.
    if (error instanceof ApiError && error.status < 500) throw error;
    const { exitCode, why, next } = failureOf(error, { what: '', help: '' });
    const same = `Sent again with --user-run-id ${request['user-run-id']} it is the same run.`;
    throw new CommandFailure(exitCode, { what: 'no answer says that the run was started', why, next: `${next} ${same}` });
  }
}

function requestOf(context: Context, invocation: Invocation): RunRequest {
  const sourceType = requiredFlag(invocation, 'source-type');
  const targetType = requiredFlag(invocation, 'target-type');
  const file = invocation.text('params-file');
  const sets = [...(file === undefined ? [] : setsOfFile(file, textOf(context, file))), ...setsOfFlags(invocation.given)];
  if (sets.length === 0) {
    const what = file === undefined ? 'no parameter set is given' : `${file} holds no parameter set`;
    throw new UsageError(what, 'give -p KEY=VALUE or --params-file FILE; --set alone is one set without parameters.');
  }
  const userId = invocation.text('user-id') ?? context.userName;
  return {
    'user-id': userId,
    // A key that is repeated must come with the same body, hence with the same name.
    'user-run-id': invocation.text('user-run-id') ?? invocation.text('idempotency-key') ?? newRunName(context, userId),
    'source-type': sourceType,
    'target-type': targetType,
    'runtime-parameters': sets,
  };
}

function textOf({ readText }: Context, file: string): string {
  try {
    return readText(file);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : `${file} cannot be read`);
  }
}

/** Told before the start: whoever loses the answer can repeat the command under the same name. */
function newRunName(context: Context, userId: string): string {
  const name = context.newRunName(userId);
  context.stderr.write(`--user-run-id ${name}\n`);
  return name;
}
