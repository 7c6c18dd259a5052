/** What may be asked of the API, each with what the model says to it, drawn in sequences. */
import fc from 'fast-check';
import { KINDS, PutPattern, PutTemplate } from './catalog-commands.ts';
import { jobStatesOf, type Command, type Model, type ParameterSet, type Real } from './model.ts';
import { GetJob, GetRun, History, ListJobs, ListRuns, Metrics, type OfRun } from './reading-commands.ts';
import { StartRun } from './start-command.ts';

class Pass implements Command {
  private readonly seconds: number;
  constructor(seconds: number) {
    this.seconds = seconds;
  }
  check(): boolean {
    return true;
  }
  async run(model: Model, { world }: Real): Promise<void> {
    await world.pass(this.seconds);
    model.nowMs = world.nowMs();
    for (const run of model.runs) {
      run.startedAtMs ??= model.nowMs;
      for (const [index, state] of jobStatesOf(run, model).entries()) if (state === 'RUNNING') run.seenRunning.add(index);
    }
  }
  toString(): string {
    return `Pass(${this.seconds} s)`;
  }
}

const few = fc.constantFrom('a', 'b');
const set: fc.Arbitrary<ParameterSet> = fc
  .record(
    {
      CITY: fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom<string | number>('London', 'Paris') },
        { weight: 1, arbitrary: fc.constant(7) },
      ),
      SECONDS: fc.constantFrom(0, 10, 60),
      FAIL: fc.constant('it broke'),
      MODE: fc.constant('mine'),
      LOCKED: fc.constant('no'),
    },
    { requiredKeys: ['CITY'] },
  )
  .chain((full) => fc.boolean().map((bare) => (bare ? onlyGood(full) : full)));

/** Most sets pass, or nothing would ever run. */
function onlyGood(full: object): ParameterSet {
  const { LOCKED: _, ...rest } = full as { readonly LOCKED?: string; readonly CITY: string };
  return rest;
}

const start = fc
  .record({
    user: few,
    name: fc.constantFrom('x', 'y', 'z'),
    pair: fc.oneof({ weight: 5, arbitrary: few }, { weight: 1, arbitrary: fc.constant('none') }),
    sets: fc.array(set, { maxLength: 4 }),
    key: fc.option(few, { nil: undefined, freq: 4 }),
  })
  .map((asked): Command => new StartRun(asked));

/** The same few requests again and again, so that keys meet. */
const again = fc.record({ user: few, name: fc.constantFrom('x', 'y'), key: fc.option(few, { nil: undefined }) }).map(
  (asked): Command =>
    new StartRun({
      ...asked,
      pair: 'a',
      sets: [
        { CITY: 'London', SECONDS: 10 },
        { CITY: 'Rome', FAIL: 'it broke' },
      ],
    }),
);

const aboutRun = (Kind: new (chosen: number, limit: number) => OfRun): fc.Arbitrary<Command> =>
  fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 5 })).map(([chosen, limit]) => new Kind(chosen, limit));

export const commands = fc.commands<Model, Real, false>(
  [
    fc.tuple(few, fc.constantFrom(...Object.keys(KINDS))).map(([id, kind]) => new PutTemplate(id, kind)),
    fc.tuple(few, few).map(([pair, template]) => new PutPattern(pair, template)),
    start,
    start,
    again,
    again,
    fc.constantFrom(0, 5, 10, 60).map((seconds) => new Pass(seconds)),
    fc.constantFrom(10, 60).map((seconds) => new Pass(seconds)),
    fc.tuple(few, fc.integer({ min: 1, max: 5 })).map(([user, limit]) => new ListRuns(user, limit)),
    ...[GetRun, ListJobs, GetJob, History, Metrics].map(aboutRun),
  ],
  { maxCommands: 24, size: 'max' },
);
