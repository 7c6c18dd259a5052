/** `sluice run`: starting runs and looking at them. */
import { ApiError } from '#client/errors';
import type { SluiceClient } from '#client/sluice-client';
import type { RunRequest } from '#contract/run-request';
import { JobView, RunStarted, RunView } from '#contract/views';
import { CommandFailure, UsageError, type Command, type Context, type ExitCode, type Invocation } from './command.ts';
import { failureOf } from './failures.ts';
import { numberFlag, requiredFlag } from './flags.ts';
import { jsonText } from './json-text.ts';
import { setsOfFile, setsOfFlags } from './parameter-sets.ts';
import { jobTable, progress, runList, runSummary } from './run-text.ts';
import { take } from './take.ts';

const JOBS_SHOWN = 100;
/** A run and its jobs in one document; `jobs` are the counts, as in the API. */
const VIEW_FIELDS = [...Object.keys(RunView.shape), 'job-list'];

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
    if (wait) return waited(context, invocation, started['run-id'], { limit, timeoutSeconds });
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

interface WaitFlags {
  readonly limit: number;
  readonly timeoutSeconds: number | undefined;
}

async function waited(context: Context, invocation: Invocation, id: string, { limit, timeoutSeconds }: WaitFlags): Promise<ExitCode> {
  const { client, stderr } = context;
  stderr.write(`${id} started; Ctrl-C ends the waiting, not the run\n`);
  const live = stderr.isTTY === true;
  const { kind, run } = await client
    .waitForRun(id, {
      ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
      onChange: (seen) => live && stderr.write(`\r\u001b[2K${progress(seen)}`),
    })
    .catch((error: unknown) => {
      throw failureOf(error, { what: `the wait broke off; ${id} goes on`, help: '' });
    })
    .finally(() => live && stderr.write('\r\u001b[2K'));
  await showRun(context, run, limit, invocation.json);
  if (kind === 'ended') return exitCodeOf(run);
  throw new CommandFailure(3, {
    what: 'the wait timed out; the run goes on',
    why: `${run.jobs.open} of ${run.jobs.total} jobs of ${id} had not ended after ${timeoutSeconds ?? 0} seconds`,
    next: `sluice run view ${id} shows how it stands.`,
  });
}

/** Of a run that has ended; one that has not is no failure. */
function exitCodeOf({ state }: RunView): ExitCode {
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

export const runListing: Command = {
  group: 'run',
  name: 'list',
  summary: 'Lists runs, the newest first.',
  operands: [],
  flags: {
    'user-id': { value: 'NAME', help: 'runs on behalf of this user' },
    'user-run-id': { value: 'NAME', help: 'runs of this name' },
    limit: { short: 'L', value: 'NUMBER', help: 'how many (20)' },
  },
  fields: Object.keys(RunView.shape),
  examples: ['sluice run list', 'sluice run list --user-id ada --limit 5', 'sluice run list --json run-id,state,jobs'],
  undone: 'the runs cannot be listed',
  async run({ client, stdout, stderr }, invocation) {
    const limit = numberFlag(invocation, 'limit', 1) ?? 20;
    const [userId, userRunId] = [invocation.text('user-id'), invocation.text('user-run-id')];
    const filter = { ...(userId === undefined ? {} : { userId }), ...(userRunId === undefined ? {} : { userRunId }) };
    const { items, more } = await take(limit, (page) => client.runs({ ...filter, ...page }));
    if (more) stderr.write(`Shown: the newest ${limit}; --limit shows more.\n`);
    if (invocation.json) stdout.write(jsonText(items, invocation.json));
    else if (items.length > 0) stdout.write(runList(items));
    else stderr.write('No runs.\n');
    return 0;
  },
};

export const runView: Command = {
  group: 'run',
  name: 'view',
  summary: 'Shows a run and its jobs: records, durations, outputs, failures.',
  operands: ['RUN'],
  flags: {
    limit: { short: 'L', value: 'NUMBER', help: `how many jobs (${JOBS_SHOWN})` },
    'exit-status': { help: 'exit 1 when jobs failed and 5 when the run was cancelled; else 0' },
  },
  fields: VIEW_FIELDS,
  notes: `A job of job-list has ${Object.keys(JobView.shape).join(', ')}.`,
  examples: ['sluice run view run_01K8ZC0ED8QZV7N5T9X1M3B2AR', 'sluice run view run_01K8ZC0ED8QZV7N5T9X1M3B2AR --json state,job-list'],
  undone: 'the run cannot be shown',
  async run(context, invocation) {
    const limit = numberFlag(invocation, 'limit', 1) ?? JOBS_SHOWN;
    const run = await context.client.getRun(invocation.operands[0] ?? '');
    await showRun(context, run, limit, invocation.json);
    return invocation.has('exit-status') ? exitCodeOf(run) : 0;
  },
};

async function showRun({ client, stdout, stderr }: Context, run: RunView, limit: number, fields: Invocation['json']): Promise<void> {
  if (fields !== undefined && fields.length > 0 && !fields.includes('job-list')) {
    stdout.write(jsonText(run, fields));
    return;
  }
  const { items, more } = await jobsOf(client, run, limit);
  if (more) stderr.write(`Shown: the first ${limit} of ${run.jobs.total} jobs; --limit shows more.\n`);
  stdout.write(fields === undefined ? `${runSummary(run)}\n${jobTable(items)}` : jsonText({ ...run, 'job-list': items }, fields));
}

const jobsOf = (client: SluiceClient, run: RunView, limit: number): ReturnType<typeof take<JobView>> =>
  take(limit, (page) => client.jobs(run['run-id'], page));
