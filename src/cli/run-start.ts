/** `sluice run start`: parameter sets from words and files become a run. */
import { NothingStarted, RunStarted } from '#contract/views';
import { UsageError, type Command, type Context, type ExitCode, type Invocation } from './command.ts';
import { jsonText } from './json-text.ts';
import { REQUEST_FLAGS, requestOf, SKIP_NOTES, VALUE_NOTES } from './run-request.ts';
import { VIEW_FIELDS } from './run-view.ts';
import { answered, shown, WAIT_FLAGS, WAIT_NOTES, waitOf } from './run-waiting.ts';
import type { Following } from './run-watch.ts';
import { counted } from './table.ts';

export const START_FIELDS: readonly string[] = [
  ...new Set([...Object.keys(RunStarted.shape), ...Object.keys(NothingStarted.shape), ...VIEW_FIELDS]),
];

export const runStart: Command = {
  group: 'run',
  name: 'start',
  summary: 'Starts a run: one job for each parameter set.',
  operands: [],
  flags: {
    ...REQUEST_FLAGS,
    'plan-hash': { value: 'HASH', help: 'of `run plan`: exactly what was planned is started, or nothing' },
    'idempotency-key': { value: 'KEY', help: 'the same key within 7 days is the same run' },
    ...WAIT_FLAGS,
  },
  fields: START_FIELDS,
  notes: `${VALUE_NOTES}

${SKIP_NOTES} Where it leaves no set, nothing is started: exit 0, nothing on stdout.

${WAIT_NOTES}`,
  examples: [
    'sluice run start -s csv -t parquet -p SOURCE_PATH=airports.csv -p TARGET_PATH=airports.parquet --wait',
    'sluice run start -s http -t csv --params-file sets.csv --user-run-id nightly-2026-07-14',
    'sluice run start -s http -t csv --set -p COUNTRY=Japan --set -p COUNTRY=Kenya',
    'sluice run start -s http -t csv --params-file sets.csv --skip-succeeded-since 2026-11-21T00:00:00Z',
    'sluice run start -s http -t csv --params-file sets.csv --user-run-id r7 --plan-hash "$(sluice run plan -s http -t csv --params-file sets.csv --user-run-id r7 -q)"',
    'sluice run view "$(sluice run start -s csv -t parquet --params-file sets.json)"',
  ],
  undone: 'the run was not started',
  async run(context, invocation) {
    const wait = waitOf(invocation);
    const options = startOptions(invocation);
    if (options.planHash !== undefined && options.idempotencyKey === undefined && !invocation.has('user-run-id'))
      throw new UsageError('--plan-hash needs --user-run-id', 'give the name that was planned: run plan tells it on stderr.');
    const request = requestOf(context, invocation);
    const started = await answered(context.client.startRun(request, options), {
      what: 'no answer says that the run was started',
      same: `Sent again with --user-run-id ${request['user-run-id']} it is the same run.`,
    });
    return showStarted(context, invocation, started, wait);
  },
};

export function startOptions(invocation: Invocation): { readonly idempotencyKey?: string; readonly planHash?: string } {
  const [idempotencyKey, planHash] = [invocation.text('idempotency-key'), invocation.text('plan-hash')];
  if (planHash !== undefined && !/^[0-9a-f]{64}$/.test(planHash))
    throw new UsageError('--plan-hash must be 64 hexadecimal digits, as sluice run plan --quiet prints them');
  return { ...(idempotencyKey === undefined ? {} : { idempotencyKey }), ...(planHash === undefined ? {} : { planHash }) };
}

/** What a start answered, however the run came about. */
export async function showStarted(
  context: Context,
  invocation: Invocation,
  started: RunStarted | NothingStarted,
  wait: Following | undefined,
): Promise<ExitCode> {
  const left = started['skipped-sets'];
  const leftOut = left === undefined ? '' : `, ${left} left out`;
  if (started['run-id'] === null) {
    context.stderr.write(`Nothing was started: ${counted(left ?? 0, 'set has', 'sets have')} succeeded already.\n`);
    if (invocation.json) context.stdout.write(jsonText(started, invocation.json));
    return 0;
  }
  const told = `${started['run-id']} ${started.state}: ${counted(started['job-ids'].length, 'job')}${leftOut}`;
  return shown(context, invocation, { runId: started['run-id'], answer: started, told }, wait);
}
