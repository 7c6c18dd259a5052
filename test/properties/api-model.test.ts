/**
 * The API against a model of it: a few maps that say what every answer must be. Sequences share one service and have names of
 * their own. `SLUICE_MODEL_RUNS` asks for more of them, `SLUICE_MODEL_SEED` for the same ones again.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HistoryEntryView, JobView, MetricsRow, RunView } from '#contract/views';
import { installPorts } from '#hosts/wiring';
import { memoryTable } from '#test/support/memory-table';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import type { Answer } from '#test/functions/http-call';
import { apiWorld, type ApiWorld } from './api-world.ts';

const SEED = Number(process.env['SLUICE_MODEL_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = Number(process.env['SLUICE_MODEL_RUNS'] ?? 4_700);
const RUNS_EMBEDDED = Math.ceil(RUNS / 15);

type Set = Readonly<Record<string, string | number>>;

interface ModelRun {
  readonly id: string;
  readonly user: string;
  readonly name: string;
  readonly pair: string;
  readonly template: string;
  readonly version: number;
  readonly strict: boolean;
  readonly sets: readonly Set[];
  readonly body: string;
  startedAtMs?: number;
}

interface Model {
  /** The kinds of a template's versions. */
  readonly templates: Map<string, string[]>;
  readonly patterns: Map<string, string>;
  readonly runs: ModelRun[];
  readonly keys: Map<string, ModelRun>;
  /** As of the last tick. */
  nowMs: number;
}

interface Real {
  readonly world: ApiWorld;
  /** What this sequence's names begin with. */
  readonly own: string;
}

type Command = fc.AsyncCommand<Model, Real>;

const KINDS: Readonly<Record<string, { readonly body: object; readonly pointer?: string }>> = {
  open: { body: { name: 'Open', engine: 'sleep' } },
  strict: {
    body: {
      name: 'Strict',
      engine: 'sleep',
      'source-parameters': { MODE: 'static' },
      overridable: ['MODE'],
      'target-parameters': { LOCKED: 'yes' },
      'parameters-schema': {
        type: 'object',
        required: ['CITY'],
        properties: { CITY: { type: 'string' }, DAYS: { type: 'integer', default: 7 } },
      },
    },
  },
  'no engine': { body: { name: 'x', engine: 'none' }, pointer: '/engine' },
  'no schema': { body: { name: 'x', engine: 'sleep', 'parameters-schema': { type: 'objekt' } }, pointer: '/parameters-schema/type' },
};

const slugOf = ({ body }: Answer): string => String(body['type']).replace('/problems/', '');

class PutTemplate implements Command {
  constructor(
    private readonly id: string,
    private readonly kind: string,
  ) {}
  check(): boolean {
    return true;
  }
  async run(model: Model, { world, own }: Real): Promise<void> {
    const { body, pointer } = KINDS[this.kind] ?? { body: {} };
    const templateId = `tmpl_${own}-${this.id}`;
    const answer = await world.ask('PUT /v1/templates/{templateId}', { path: { templateId }, body });
    if (pointer !== undefined) {
      expect([answer.status, slugOf(answer), answer.body.errors?.map((error) => error.pointer)]).toEqual([
        422,
        'invalid-template',
        [pointer],
      ]);
      return;
    }
    const versions = model.templates.get(this.id) ?? [];
    const change = versions.length === 0 ? 'created' : versions.at(-1) === this.kind ? 'unchanged' : 'changed';
    if (change !== 'unchanged') versions.push(this.kind);
    model.templates.set(this.id, versions);
    expect([answer.status, answer.headers['sluice-change'], answer.body['version']]).toEqual([
      change === 'created' ? 201 : 200,
      change,
      versions.length,
    ]);
    const shown = await world.ask('GET /v1/templates/{templateId}', { path: { templateId } });
    expect([shown.status, shown.body]).toEqual([200, answer.body]);
  }
  toString(): string {
    return `PutTemplate(${this.id}, ${this.kind})`;
  }
}

class PutPattern implements Command {
  constructor(
    private readonly pair: string,
    private readonly template: string,
  ) {}
  check(): boolean {
    return true;
  }
  async run(model: Model, { world, own }: Real): Promise<void> {
    const path = { sourceType: `${own}-${this.pair}`, targetType: 'x' };
    const body = { 'template-id': `tmpl_${own}-${this.template}` };
    const answer = await world.ask('PUT /v1/patterns/{sourceType}/{targetType}', { path, body });
    if (!model.templates.has(this.template)) {
      expect([answer.status, slugOf(answer)]).toEqual([422, 'no-template']);
      return;
    }
    const before = model.patterns.get(this.pair);
    model.patterns.set(this.pair, this.template);
    const change = before === undefined ? 'created' : before === this.template ? 'unchanged' : 'changed';
    expect([answer.status, answer.headers['sluice-change']]).toEqual([before === undefined ? 201 : 200, change]);
  }
  toString(): string {
    return `PutPattern(${this.pair} → ${this.template})`;
  }
}

interface Asked {
  readonly user: string;
  readonly name: string;
  readonly pair: string;
  readonly sets: readonly Set[];
  readonly key: string | undefined;
}

class StartRun implements Command {
  constructor(private readonly asked: Asked) {}
  check(): boolean {
    return true;
  }
  async run(model: Model, { world, own }: Real): Promise<void> {
    const { user, name, pair, sets, key } = this.asked;
    const body = {
      'user-id': `${own}-${user}`,
      'user-run-id': `${own}-${name}`,
      'source-type': `${own}-${pair}`,
      'target-type': 'x',
      'runtime-parameters': sets,
    };
    const headers = key === undefined ? {} : { 'idempotency-key': `${own}-${key}` };
    const answer = await world.ask('POST /v1/runs', { body, headers });
    const expected = this.expected(model);
    if (typeof expected === 'object') {
      expect([answer.status, answer.body['run-id'], answer.body['state']]).toEqual([200, expected.id, stateOf(expected, model)]);
      return;
    }
    if (expected !== 'started') {
      const pointers = answer.body.errors?.map((error) => `${error.pointer} ${error.rule}`).toSorted();
      expect([answer.status, slugOf(answer)]).toEqual(sets.length === 0 ? [400, 'invalid-request'] : [422, expected]);
      if (expected === 'invalid-parameters') expect(pointers).toEqual(problemsOf(sets).toSorted());
      return;
    }
    expect([answer.status, answer.body['state']]).toEqual([202, 'ACCEPTED']);
    const template = model.patterns.get(pair) ?? '';
    const versions = model.templates.get(template) ?? [];
    const id = String(answer.body['run-id']);
    const common = { id, user, name, pair, template, sets, body: JSON.stringify(this.asked.sets) + pair };
    const run: ModelRun = { ...common, version: versions.length, strict: versions.at(-1) === 'strict' };
    expect(answer.body['job-ids']).toEqual(sets.map((_, index) => jobId(run, index)));
    model.runs.push(run);
    model.keys.set(`natural ${user} ${name}`, run);
    if (key !== undefined) model.keys.set(keyName(user, key), run);
  }
  private expected(model: Model): ModelRun | 'started' | 'key-reused' | 'no-pattern' | 'invalid-parameters' | 'invalid-request' {
    const { user, name, pair, sets, key } = this.asked;
    if (sets.length === 0) return 'invalid-request';
    const byKey = key === undefined ? undefined : model.keys.get(keyName(user, key));
    const earlier = byKey ?? model.keys.get(`natural ${user} ${name}`);
    if (earlier) {
      const same = earlier.user === user && earlier.name === name && earlier.body === JSON.stringify(sets) + pair;
      return same ? earlier : 'key-reused';
    }
    const template = model.patterns.get(pair);
    if (template === undefined) return 'no-pattern';
    const strict = model.templates.get(template)?.at(-1) === 'strict';
    return strict && problemsOf(sets).length > 0 ? 'invalid-parameters' : 'started';
  }
  toString(): string {
    return `StartRun(${JSON.stringify(this.asked)})`;
  }
}

/** An Idempotency-Key belongs to everybody. */
const keyName = (_user: string, key: string): string => `key ${key}`;

/** What the strict template has against them. */
function problemsOf(sets: readonly Set[]): string[] {
  return sets.flatMap((set, index) => {
    const at = `/runtime-parameters/${index}`;
    const city = set['CITY'];
    return [
      ...(city === undefined ? [`${at}/CITY required`] : typeof city === 'string' ? [] : [`${at}/CITY type`]),
      ...('LOCKED' in set ? [`${at}/LOCKED locked`] : []),
    ];
  });
}

const jobId = ({ id }: ModelRun, index: number): string => `${id.replace('run_', 'job_')}_${String(index).padStart(5, '0')}`;

function jobStateOf(run: ModelRun, index: number, { nowMs }: Model): JobView['state'] {
  const set = run.sets[index] ?? {};
  if (run.startedAtMs === undefined) return 'CREATED';
  if (nowMs < run.startedAtMs + Number(set['SECONDS'] ?? 0) * 1000) return 'RUNNING';
  return 'FAIL' in set ? 'FAILED' : 'FINISHED';
}

const jobStatesOf = (run: ModelRun, model: Model): readonly JobView['state'][] => run.sets.map((_, index) => jobStateOf(run, index, model));

function stateOf(run: ModelRun, model: Model): RunView['state'] {
  const states = jobStatesOf(run, model);
  if (run.startedAtMs === undefined) return 'ACCEPTED';
  if (states.includes('RUNNING')) return 'RUNNING';
  const finished = states.filter((state) => state === 'FINISHED').length;
  return finished === states.length ? 'SUCCEEDED' : finished > 0 ? 'PARTIAL' : 'FAILED';
}

function expectedRun(run: ModelRun, model: Model, own: string): object {
  const states = jobStatesOf(run, model);
  const count = (state: JobView['state']): number => states.filter((each) => each === state).length;
  const [finished, failed] = [count('FINISHED'), count('FAILED')];
  return {
    'run-id': run.id,
    state: stateOf(run, model),
    'user-id': `${own}-${run.user}`,
    'user-run-id': `${own}-${run.name}`,
    'source-type': `${own}-${run.pair}`,
    'template-id': `tmpl_${own}-${run.template}`,
    'template-version': run.version,
    'requested-by': 'model',
    attempt: 1,
    jobs: { total: states.length, finished, failed, cancelled: 0, open: states.length - finished - failed },
    records: { input: (finished + failed) * 100, output: (finished + failed) * 100, error: 0 },
  };
}

/** A list to its end, and that no page is longer than asked for. */
async function listed<Item>(
  world: ApiWorld,
  routeKey: string,
  {
    path = {},
    query = {},
    limit,
  }: { readonly path?: Record<string, string>; readonly query?: Record<string, string>; readonly limit: number },
): Promise<readonly Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const { status, body } = await world.ask(routeKey, {
      path,
      query: { ...query, limit: String(limit), ...(cursor === undefined ? {} : { cursor }) },
    });
    expect(status).toBe(200);
    const page = body['items'] as readonly Item[];
    expect(page.length).toBeLessThanOrEqual(limit);
    items.push(...page);
    cursor = body['next-cursor'] as string | undefined;
  } while (cursor !== undefined);
  return items;
}

class ListRuns implements Command {
  constructor(
    private readonly user: string,
    private readonly limit: number,
  ) {}
  check(): boolean {
    return true;
  }
  async run(model: Model, { world, own }: Real): Promise<void> {
    const runs = await listed<RunView>(world, 'GET /v1/runs', { query: { 'user-id': `${own}-${this.user}` }, limit: this.limit });
    const expected = model.runs.filter(({ user }) => user === this.user).toReversed();
    expect(runs.map((run) => run['run-id'])).toEqual(expected.map(({ id }) => id));
    for (const [index, run] of expected.entries()) expect(runs[index]).toMatchObject(expectedRun(run, model, own));
  }
  toString(): string {
    return `ListRuns(${this.user}, ${this.limit})`;
  }
}

/** Commands about one run, chosen by number among those that there are. */
abstract class OfRun implements Command {
  constructor(
    protected readonly chosen: number,
    protected readonly limit: number,
  ) {}
  check({ runs }: Readonly<Model>): boolean {
    return runs.length > 0;
  }
  async run(model: Model, real: Real): Promise<void> {
    const run = model.runs[this.chosen % model.runs.length];
    if (run) await this.about(run, model, real);
  }
  protected abstract about(run: ModelRun, model: Model, real: Real): Promise<void>;
  toString(): string {
    return `${this.constructor.name}(${this.chosen}, ${this.limit})`;
  }
}

class GetRun extends OfRun {
  protected async about(run: ModelRun, model: Model, { world, own }: Real): Promise<void> {
    const { status, body } = await world.ask('GET /v1/runs/{runId}', { path: { runId: run.id } });
    expect([status, body]).toEqual([200, expect.objectContaining(expectedRun(run, model, own))]);
    expect(body['finished-at'] !== undefined).toBe(['SUCCEEDED', 'PARTIAL', 'FAILED'].includes(stateOf(run, model)));
  }
}

class ListJobs extends OfRun {
  protected async about(run: ModelRun, model: Model, { world }: Real): Promise<void> {
    const jobs = await listed<JobView>(world, 'GET /v1/runs/{runId}/jobs', { path: { runId: run.id }, limit: this.limit });
    expect(jobs.map((job) => [job['job-id'], job.index, job.attempt, job.state])).toEqual(
      jobStatesOf(run, model).map((state, index) => [jobId(run, index), index, 1, state]),
    );
  }
}

class GetJob extends OfRun {
  protected async about(run: ModelRun, model: Model, { world }: Real): Promise<void> {
    const index = this.limit % run.sets.length;
    const { status, body } = await world.ask('GET /v1/jobs/{jobId}', { path: { jobId: jobId(run, index) } });
    const state = jobStateOf(run, index, model);
    expect([status, body['state']]).toEqual([200, state]);
    if (state === 'FAILED') expect(body['failure']).toEqual({ reason: 'engine-error', message: 'it broke' });
    const set = run.sets[index] ?? {};
    const given = Object.fromEntries(Object.entries(set).map(([key, value]) => [key, { value, origin: 'caller' }]));
    const replaced = 'MODE' in set ? { MODE: { ...given['MODE'], replaced: { origin: 'source-parameters', value: 'static' } } } : {};
    const ofTemplate = {
      DAYS: { value: 7, origin: 'schema-default' },
      MODE: { value: 'static', origin: 'source-parameters' },
      LOCKED: { value: 'yes', origin: 'target-parameters' },
    };
    expect(body['parameters']).toEqual(run.strict ? { ...ofTemplate, ...given, ...replaced } : given);
    const beyond = await world.ask('GET /v1/jobs/{jobId}', { path: { jobId: jobId(run, run.sets.length) } });
    expect([beyond.status, slugOf(beyond)]).toEqual([404, 'not-found']);
  }
}

class History extends OfRun {
  protected async about(run: ModelRun, model: Model, { world }: Real): Promise<void> {
    const index = this.chosen % run.sets.length;
    const entries = await listed<HistoryEntryView>(world, 'GET /v1/jobs/{jobId}/history', {
      path: { jobId: jobId(run, index) },
      limit: this.limit,
    });
    const state = jobStateOf(run, index, model);
    const names = {
      CREATED: ['create'],
      RUNNING: ['create', 'run'],
      FINISHED: ['create', 'run', 'finish'],
      FAILED: ['create', 'run', 'fail'],
    };
    // Before its run is planned a job is only foreseen: it has no history yet.
    const expected = run.startedAtMs === undefined ? [] : names[state as keyof typeof names];
    expect(entries.map(({ name }) => name)).toEqual(expected);
    expect(entries.map(({ sequence }) => sequence)).toEqual(expected.map((_, position) => position + 1));
  }
}

class Metrics extends OfRun {
  protected async about(run: ModelRun, model: Model, { world, own }: Real): Promise<void> {
    const query = { 'user-run-id': `${own}-${run.name}` };
    const rows = await listed<MetricsRow>(world, 'GET /v1/metrics', { query, limit: this.limit });
    const runs = model.runs.filter(({ name }) => name === run.name).toReversed();
    const expected = runs.flatMap((each) =>
      jobStatesOf(each, model).flatMap((state, index) =>
        state === 'FINISHED' || state === 'FAILED'
          ? [[jobId(each, index), state === 'FINISHED', state === 'FAILED' ? 'it broke' : '']]
          : [],
      ),
    );
    expect(rows.map((row) => [row.job_id, row.successful_run, row.error_message])).toEqual(expected);
  }
}

class Pass implements Command {
  constructor(private readonly seconds: number) {}
  check(): boolean {
    return true;
  }
  async run(model: Model, { world }: Real): Promise<void> {
    await world.pass(this.seconds);
    model.nowMs = world.nowMs();
    for (const run of model.runs) run.startedAtMs ??= model.nowMs;
  }
  toString(): string {
    return `Pass(${this.seconds} s)`;
  }
}

const few = fc.constantFrom('a', 'b');
const set: fc.Arbitrary<Set> = fc
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
function onlyGood(full: object): Set {
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

const commands = fc.commands<Model, Real, true>(
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

let sequences = 0;

async function agrees(world: ApiWorld, sequence: Iterable<Command>): Promise<void> {
  world.forget();
  const own = `s${(sequences += 1)}`;
  const model: Model = { templates: new Map(), patterns: new Map(), runs: [], keys: new Map(), nowMs: world.nowMs() };
  // Where most sequences would otherwise begin with requests that nothing serves.
  const prelude = [new PutTemplate('a', 'open'), new PutTemplate('b', 'strict'), new PutPattern('a', 'a'), new PutPattern('b', 'b')];
  const real = { world, own };
  for (const command of sequences % 4 === 0 ? [] : prelude) await command.run(model, real);
  await fc.asyncModelRun(() => ({ model, real }), sequence as Iterable<fc.AsyncCommand<Model, Real, true>>);
}

describe(`every answer is what the model says (seed ${SEED})`, () => {
  let database: TestDatabase;
  beforeAll(async () => {
    database = await startTestDatabase();
  });
  afterAll(async () => {
    installPorts(undefined);
    await database.close();
  });

  test(`in ${RUNS} sequences on a table in memory`, { timeout: 600_000 }, async () => {
    const world = await apiWorld(memoryTable());
    await fc.assert(
      fc.asyncProperty(commands, (sequence) => agrees(world, sequence)),
      { numRuns: RUNS, seed: SEED, endOnFailure: false },
    );
  });

  test(`in ${RUNS_EMBEDDED} sequences on the embedded DynamoDB`, { timeout: 600_000 }, async () => {
    const { table } = await database.freshTable();
    const world = await apiWorld(table);
    await fc.assert(
      fc.asyncProperty(commands, (sequence) => agrees(world, sequence)),
      { numRuns: RUNS_EMBEDDED, seed: SEED },
    );
  });
});
