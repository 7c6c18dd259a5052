/** `sluice run clone`: a new run from the sets of an old one. */
import type { CloneRequest } from '#contract/run-request';
import { UsageError, type Command, type Context, type Invocation } from './command.ts';
import { requiredFlag } from './flags.ts';
import { SELECTION_FLAGS, selectionOf } from './job-selection.ts';
import { givenSets, SET_FLAGS, SKIP_FLAG, SKIP_NOTES, skipped, VALUE_NOTES } from './run-request.ts';
import { showStarted, START_FIELDS, startOptions } from './run-start.ts';
import { answered, WAIT_FLAGS, WAIT_NOTES, waitOf } from './run-waiting.ts';

const VERSIONS = ['same', 'current'] as const;

export const runClone: Command = {
  group: 'run',
  name: 'clone',
  summary: 'Starts a new run from the sets of another one: all of them, those that failed, or others in their place.',
  operands: ['RUN'],
  flags: {
    'user-run-id': { value: 'NAME', help: 'your name for the new run: the same name is the same run' },
    'user-id': { value: 'NAME', help: 'on whose behalf (whoever the old run was for)' },
    'template-version': {
      value: 'WHICH',
      help: 'same: the version of the old run; current: the newest of what its pattern names now (same)',
    },
    ...SELECTION_FLAGS,
    ...SET_FLAGS,
    ...SKIP_FLAG,
    'idempotency-key': { value: 'KEY', help: 'the same key within 7 days is the same run' },
    ...WAIT_FLAGS,
  },
  fields: START_FIELDS,
  notes: `With -p, --set or --params-file these are the sets of the new run; else those of the old one, or of them the sets whose jobs
failed as --failed, --reason, --index and --set-key say.

${VALUE_NOTES}

${SKIP_NOTES}

${WAIT_NOTES}`,
  examples: [
    'sluice run clone run_01K8ZC0ED8QZV7N5T9X1M3B2AR --user-run-id nightly-again',
    'sluice run clone run_01K8ZC0ED8QZV7N5T9X1M3B2AR --user-run-id nightly-fixed --failed --template-version current --wait',
    'sluice run clone run_01K8ZC0ED8QZV7N5T9X1M3B2AR --user-run-id other-sets --params-file edited.json',
  ],
  undone: 'the run was not cloned',
  async run(context, invocation) {
    const wait = waitOf(invocation);
    const request = cloneOf(context, invocation);
    const cloned = await answered(context.client.cloneRun(invocation.operands[0] ?? '', request, startOptions(invocation)), {
      what: 'no answer says that the run was cloned',
      same: `Sent again with --user-run-id ${request['user-run-id']} it is the same run.`,
    });
    return showStarted(context, invocation, cloned, wait);
  },
};

function cloneOf(context: Context, invocation: Invocation): CloneRequest {
  const userId = invocation.text('user-id');
  const [failed, sets] = [selectionOf(invocation), givenSets(context, invocation)];
  const file = invocation.text('params-file');
  if (file !== undefined && sets.length === 0) throw new UsageError(`${file} holds no parameter set`);
  if (failed && sets.length > 0)
    throw new UsageError('sets are given, and some of the old run are selected as well', 'give either; together they mean nothing.');
  return {
    'user-run-id': requiredFlag(invocation, 'user-run-id'),
    'template-version': versionOf(invocation.text('template-version')),
    ...(userId === undefined ? {} : { 'user-id': userId }),
    ...(sets.length === 0 ? {} : { 'runtime-parameters': sets }),
    ...(failed === undefined ? {} : { failed }),
    ...skipped(invocation),
  };
}

function versionOf(word = 'same'): (typeof VERSIONS)[number] {
  const version = VERSIONS.find((each) => each === word);
  if (version === undefined) throw new UsageError(`--template-version is same or current, not "${word}"`);
  return version;
}
