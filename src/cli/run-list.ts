/** `sluice run list`: finding runs again, by who started them, what they are, how they ended and when. */
import type { RunFilter } from '#client/run-client';
import { RunView } from '#contract/views';
import { UsageError, type Command, type Invocation } from './command.ts';
import { numberFlag } from './flags.ts';
import { jsonText } from './json-text.ts';
import { runList } from './run-text.ts';
import { take, tellUnreadable } from './take.ts';

const STATES = RunView.shape.state.options;

export const runListing: Command = {
  group: 'run',
  name: 'list',
  summary: 'Lists runs, the newest first.',
  operands: [],
  flags: {
    'user-id': { value: 'NAME', help: 'runs on behalf of this user' },
    'user-run-id': { value: 'NAME', help: 'runs of this name' },
    'template-id': { value: 'TEMPLATE', help: 'runs of this template' },
    state: { value: 'STATE', help: `runs in this state: ${STATES.join(', ').toLowerCase()}` },
    from: { value: 'TIME', help: 'runs that were started at this time or later' },
    before: { value: 'TIME', help: 'runs that were started before this time' },
    parameter: { value: 'KEY=VALUE', help: 'runs of which a set has this value, of a key that its template declares as searchable' },
    quiet: { short: 'q', help: 'the ids alone, one in a line' },
    limit: { short: 'L', value: 'NUMBER', help: 'how many (20)' },
  },
  fields: Object.keys(RunView.shape),
  notes: `A run is listed that fits all that is given. A TIME has its zone: 2026-11-21T08:00:00Z, 2026-11-21T09:00+01:00.`,
  examples: [
    'sluice run list',
    'sluice run list --user-id ada --state failed --limit 5',
    'sluice run list --template-id tmpl_csv-to-parquet --from 2026-11-21T00:00:00Z --before 2026-11-22T00:00:00Z',
    'sluice run list --parameter COUNTRY=Japan --json run-id',
    'sluice run list --json run-id,state,jobs',
    'sluice run list --state running --user-id ada -q | xargs -n 1 sluice run cancel',
  ],
  undone: 'the runs cannot be listed',
  async run({ client, stdout, stderr }, invocation) {
    const limit = numberFlag(invocation, 'limit', 1) ?? 20;
    const filter = filterOf(invocation);
    const isQuiet = invocation.has('quiet');
    if (isQuiet && invocation.json) throw new UsageError('--quiet and --json are two forms of the same: give one');
    const { items, more, unreadable } = await take(limit, (page) => client.runs({ ...filter, ...page }));
    tellUnreadable(stderr, unreadable);
    if (more) stderr.write(`Shown: the newest ${limit}; --limit shows more.\n`);
    if (isQuiet) stdout.write(items.map((run) => `${run['run-id']}\n`).join(''));
    else if (invocation.json) stdout.write(jsonText(items, invocation.json));
    else if (items.length > 0) stdout.write(runList(items));
    else stderr.write('No runs.\n');
    return 0;
  },
};

const filterOf = (invocation: Invocation): RunFilter => ({
  userId: invocation.text('user-id'),
  userRunId: invocation.text('user-run-id'),
  templateId: invocation.text('template-id'),
  state: stateOf(invocation.text('state')),
  from: invocation.text('from'),
  before: invocation.text('before'),
  parameter: parameterOf(invocation.text('parameter')),
});

function stateOf(word: string | undefined): RunFilter['state'] {
  if (word === undefined) return undefined;
  const state = STATES.find((each) => each === word.toUpperCase());
  if (state === undefined) throw new UsageError(`--state knows no "${word}"; it takes ${STATES.join(', ').toLowerCase()}`);
  return state;
}

function parameterOf(word: string | undefined): RunFilter['parameter'] {
  if (word === undefined) return undefined;
  const at = word.indexOf('=');
  if (at < 1) throw new UsageError(`--parameter ${word} is not KEY=VALUE`);
  return { key: word.slice(0, at), text: word.slice(at + 1) };
}
