/** What may be asked of the API, each with what the model says to it, drawn in sequences. */
import fc from 'fast-check';
import { CancelJob, CancelRun, RetryRun } from './change-commands.ts';
import { CloneRun } from './clone-command.ts';
import { KINDS } from './kinds.ts';
import { allFilters, ListPatterns, ListRunsLike, ListTemplates, ListVersions, SetHistory } from './listing-commands.ts';
import type { Command, Model, ParameterSet, Real } from './model.ts';
import type { OfRun } from './of-run.ts';
import { DeletePattern, GetPattern, PutPattern } from './pattern-commands.ts';
import { PlanRun } from './plan-command.ts';
import type { Condition } from './preconditions.ts';
import { GetJob, GetRun, History, ListJobs, Metrics } from './reading-commands.ts';
import { Repeat } from './repeat-command.ts';
import type { AskedSelection } from './selection.ts';
import { StartRun, type AskedKeys, type AskedRun, type Since } from './start-command.ts';
import { DeleteTemplate, GetTemplate, GetTemplateVersion, PutTemplate } from './template-commands.ts';
import { Pass } from './time.ts';
import { AskForNothing, ForeignCursor } from './wrong-requests.ts';

const few = fc.constantFrom('a', 'b');
const place = fc.nat(20);
const limit = fc.integer({ min: 1, max: 5 });
/** Other sequences' entries stand in these lists too. */
const longLimit = fc.constantFrom(7, 20, 500);

/** Undefined but once in so many times. */
const seldom = <Value>(times: number, arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.oneof({ weight: times - 1, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

const set: fc.Arbitrary<ParameterSet> = fc
  .record(
    {
      CITY: fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom<string | number>('London', 'Paris') },
        { weight: 1, arbitrary: fc.constant(7) },
      ),
      SECONDS: fc.constantFrom(0, 10, 60),
      FAIL: fc.constant('it broke'),
      REFUSE: seldom(6, fc.constant('no room')),
      MODE: fc.constant('mine'),
      LOCKED: fc.constant('no'),
    },
    { requiredKeys: ['CITY'] },
  )
  .chain((full) => fc.boolean().map((bare) => onlyGiven(full, bare)));

/** Most sets pass, or nothing would ever run. */
function onlyGiven({ LOCKED, ...rest }: Readonly<Record<string, string | number | undefined>>, bare: boolean): ParameterSet {
  const all = Object.entries({ ...rest, ...(bare ? {} : { LOCKED }) });
  return Object.fromEntries(all.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
}

const since = seldom(2, fc.constantFrom<Since>('the beginning', 'the beginning', 'half a minute ago', 'now'));
const askedRun: fc.Arbitrary<AskedRun> = fc.record({
  user: few,
  name: fc.constantFrom('x', 'y', 'z'),
  pair: fc.oneof({ weight: 5, arbitrary: few }, { weight: 1, arbitrary: fc.constant('none') }),
  sets: fc.array(set, { maxLength: 4 }),
  since,
});

/** The same few requests again and again, so that keys and plans meet, and sets that have succeeded. */
const known: fc.Arbitrary<AskedRun> = fc.record({
  user: few,
  name: fc.constantFrom('x', 'y'),
  pair: fc.constant('a'),
  sets: fc.constantFrom<readonly ParameterSet[]>(
    [
      { CITY: 'London', SECONDS: 10 },
      { CITY: 'Rome', FAIL: 'it broke' },
    ],
    [{ CITY: 'London', SECONDS: 10 }],
    [{ CITY: 'London', SECONDS: 10 }],
  ),
  since,
});

const key = seldom(3, fc.oneof({ weight: 12, arbitrary: few }, { weight: 1, arbitrary: fc.constant('not a key') }));
const keys: fc.Arbitrary<AskedKeys> = fc.record({
  key,
  ifMatch: seldom(4, fc.constantFrom<AskedKeys['ifMatch'] & string>('known', 'known', 'known', 'any', 'malformed')),
});
const start = (asked: fc.Arbitrary<AskedRun>): fc.Arbitrary<Command> =>
  fc.tuple(asked, keys).map(([run, more]) => new StartRun({ ...run, ...more }));
const plan = (asked: fc.Arbitrary<AskedRun>): fc.Arbitrary<Command> => fc.tuple(asked, limit).map(([run, most]) => new PlanRun(run, most));

const selection: fc.Arbitrary<AskedSelection> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  {
    weight: 2,
    arbitrary: fc.record(
      {
        reasons: fc.subarray(['engine-error', 'start-failed', 'cancelled', 'lost'], { minLength: 1 }),
        indexes: fc.array(fc.constantFrom(0, 0, 0, 1, 1, 2, 7), { minLength: 1, maxLength: 2 }),
        keysOf: fc.array(fc.constantFrom(0, 0, 1, 1, 7), { minLength: 1, maxLength: 2 }),
      },
      { requiredKeys: [] },
    ),
  },
);
const retryKey = seldom(2, fc.oneof({ weight: 12, arbitrary: fc.constant('a') }, { weight: 1, arbitrary: fc.constant('not a key') }));
const retry = fc.record({ chosen: place, selection, key: retryKey }).map((asked) => new RetryRun(asked));

const clone = fc
  .record({
    chosen: place,
    name: fc.constantFrom('x', 'y', 'copy', 'copy'),
    user: seldom(4, few),
    version: fc.constantFrom('same' as const, 'current' as const, undefined),
    sets: seldom(3, fc.array(set, { maxLength: 2 })),
    failed: seldom(2, selection),
    since,
  })
  .chain((asked) => keys.map((more) => new CloneRun({ ...asked, ...more })));

const condition: fc.Arbitrary<Condition | undefined> = seldom(
  2,
  fc.record({
    header: fc.constantFrom('if-match' as const, 'if-none-match' as const),
    value: fc.constantFrom<Condition['value']>('this', 'this', 'other', 'any', 'weak', 'list', 'malformed'),
  }),
);
const conditional = (Kind: new (name: string, condition: Condition | undefined) => Command): fc.Arbitrary<Command> =>
  fc.tuple(few, condition).map(([name, asked]) => new Kind(name, asked));

const aboutRun = (Kind: new (chosen: number, limit: number) => OfRun): fc.Arbitrary<Command> =>
  fc.tuple(place, limit).map(([chosen, most]) => new Kind(chosen, most));

const listRuns = fc
  .tuple(place, longLimit, fc.subarray([...allFilters], { maxLength: 3 }))
  .map(([chosen, most, filters]) => new ListRunsLike(chosen, most, filters));

const kind = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('open', 'found', 'strict') },
  { weight: 1, arbitrary: fc.constantFrom(...Object.keys(KINDS)) },
);

const putTemplate: fc.Arbitrary<Command> = fc.tuple(few, kind, condition).map((asked) => new PutTemplate(...asked));
const putPattern: fc.Arbitrary<Command> = fc.tuple(few, few, condition).map((asked) => new PutPattern(...asked));
const catalogChange = fc.oneof(putTemplate, putPattern, conditional(DeletePattern));
const catalog: readonly fc.Arbitrary<Command>[] = [
  ...[putTemplate, putPattern],
  ...[DeleteTemplate, DeletePattern, GetTemplate, GetPattern].map(conditional),
  fc.tuple(few, fc.integer({ min: 1, max: 3 }), condition).map((asked) => new GetTemplateVersion(...asked)),
  fc.oneof(
    longLimit.map((most): Command => new ListTemplates(most)),
    longLimit.map((most): Command => new ListPatterns(most)),
    fc.tuple(few, limit).map(([name, most]): Command => new ListVersions(name, most)),
  ),
];

/** Keys hold for seven days. */
const pass = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(0, 5, 10, 10, 60, 60) },
  { weight: 1, arbitrary: fc.constantFrom(7 * 86_400 - 60, 8 * 86_400) },
);

const time: fc.Arbitrary<Command> = pass.map((seconds) => new Pass(seconds));
const cancels = [CancelRun, CancelJob, CancelJob].map(aboutRun);
const repeat: fc.Arbitrary<Command> = place.map((chosen) => new Repeat(chosen));

const reads: readonly fc.Arbitrary<Command>[] = [
  ...[GetRun, ListJobs, GetJob, History, Metrics, SetHistory].map(aboutRun),
  ...[listRuns, listRuns],
  fc.oneof(
    place.map((chosen): Command => new AskForNothing(chosen)),
    fc.constant<Command>(new ForeignCursor()),
  ),
];

const drawn = (arbitraries: readonly fc.Arbitrary<Command>[]): fc.Arbitrary<Iterable<Command>> =>
  fc.commands<Model, Real, false>([...arbitraries], { maxCommands: 30, size: 'max' });

/** Half of the sequences change the catalog as often as runs; the others leave it alone, so that runs come further. */
export const commands = fc.oneof(
  drawn([
    ...catalog,
    ...[start(askedRun), start(known), start(known), plan(askedRun), plan(known)],
    ...[time, time, time, time, repeat, repeat],
    ...[retry, clone, clone, ...cancels],
    ...reads,
  ]),
  drawn([
    ...[start(askedRun), start(known), plan(known), catalogChange],
    ...[time, time, time, time, time, repeat, repeat, repeat, repeat],
    ...[retry, retry, retry, retry, clone, clone, ...cancels, ...cancels],
    ...reads,
  ]),
);
