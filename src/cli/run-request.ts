/** What the flags say is to be started: the same for a plan, for a start, and for the parts that a clone has in common with them. */
import type { RunRequest } from '#contract/run-request';
import { UsageError, type Context, type Flag, type Invocation } from './command.ts';
import { requiredFlag } from './flags.ts';
import { setsOfFile, setsOfFlags, type ParameterSet } from './parameter-sets.ts';

export const SET_FLAGS: Readonly<Record<string, Flag>> = {
  param: { short: 'p', value: 'KEY=VALUE', multiple: true, help: 'a parameter; all of them form one set' },
  set: { multiple: true, help: 'begins the next set of -p' },
  'params-file': { value: 'FILE', help: 'sets from .json, .ndjson, .jsonl or .csv; those of -p come after them' },
};

export const SKIP_FLAG: Readonly<Record<string, Flag>> = {
  'skip-succeeded-since': { value: 'TIME', help: 'leave out the sets that have succeeded at this time or later' },
};

export const REQUEST_FLAGS: Readonly<Record<string, Flag>> = {
  'source-type': { short: 's', value: 'TYPE', help: 'source type of the pattern' },
  'target-type': { short: 't', value: 'TYPE', help: 'target type of the pattern' },
  ...SET_FLAGS,
  'user-id': { value: 'NAME', help: 'on whose behalf (the name of the OS user)' },
  'user-run-id': {
    value: 'NAME',
    help: 'your name for the run: the same name is the same run (else the idempotency key or a new one, told on stderr)',
  },
  ...SKIP_FLAG,
};

export const VALUE_NOTES = `Values: 5, -1.5, true, false and null are JSON, anything else is text. Quotes make text of anything: -p 'ZIP="02134"'.
A number of more than 15 digits stays text. In a CSV file a quoted cell is text and an empty one is a parameter not given.`;

export const SKIP_NOTES = `A TIME has its zone: 2026-11-21T08:00:00Z, or "$(date -u -d '24 hours ago' +%FT%TZ)". It belongs to the request as the sets
do: under the name of an earlier run another time is another request, and refused.`;

export function requestOf(context: Context, invocation: Invocation): RunRequest {
  const sourceType = requiredFlag(invocation, 'source-type');
  const targetType = requiredFlag(invocation, 'target-type');
  const sets = givenSets(context, invocation);
  if (sets.length === 0) {
    const file = invocation.text('params-file');
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
    ...skipped(invocation),
  };
}

/** Those of the file, then those of the words; none where neither is given. */
export function givenSets(context: Context, invocation: Invocation): readonly ParameterSet[] {
  const file = invocation.text('params-file');
  return [...(file === undefined ? [] : setsOfFile(file, textOf(context, file))), ...setsOfFlags(invocation.given)];
}

export function skipped(invocation: Invocation): Pick<RunRequest, 'skip-succeeded-since'> {
  const since = invocation.text('skip-succeeded-since');
  return since === undefined ? {} : { 'skip-succeeded-since': since };
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
