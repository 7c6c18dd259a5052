/**
 * What may be asked of the API, each with what the model says to it. The model is a few maps: which kinds of template were put,
 * which pair they serve, which runs were accepted, and what time it was when they were last looked after.
 */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { HistoryEntryView, JobView, MetricsRow, RunView } from '#contract/views';
import type { Answer } from '#test/functions/http-call';
import type { ApiWorld } from './api-world.ts';

export type ParameterSet = Readonly<Record<string, string | number>>;

export interface ModelRun {
  readonly id: string;
  readonly user: string;
  readonly name: string;
  readonly pair: string;
  readonly template: string;
  readonly version: number;
  readonly strict: boolean;
  readonly sets: readonly ParameterSet[];
  readonly body: string;
  startedAtMs?: number;
  /** The jobs that a tick has found running. */
  readonly seenRunning: Set<number>;
}

export interface Model {
  /** The kinds of a template's versions. */
  readonly templates: Map<string, string[]>;
  readonly patterns: Map<string, string>;
  readonly runs: ModelRun[];
  readonly keys: Map<string, ModelRun>;
  /** As of the last tick. */
  nowMs: number;
}

export interface Real {
  readonly world: ApiWorld;
  /** What this sequence's names begin with. */
  readonly own: string;
}

export type Command = fc.AsyncCommand<Model, Real>;

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

export class PutTemplate implements Command {
  private readonly id: string;
  private readonly kind: string;
  constructor(id: string, kind: string) {
    this.id = id;
    this.kind = kind;
  }
  check(): boolean {
    return true;
  }
  async run(model: Model, { world, own }: Real): Promise<void> {
    const { body, pointer } = KINDS[this.kind] ?? { body: {} };
    const templateId = `tmpl_${own}-${this.id}`;
    const answer = await world.ask('PUT /v1/templates/{templateId}', { path: { templateId }, body });
    if (pointer !== undefined) {
      const pointers = new Set(answer.body.errors?.map((error) => error.pointer));
      expect([answer.status, slugOf(answer), [...pointers]]).toEqual([422, 'invalid-template', [pointer]]);
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

export class PutPattern implements Command {
  private readonly pair: string;
  private readonly template: string;
  constructor(pair: string, template: string) {
    this.pair = pair;
    this.template = template;
  }
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
  readonly sets: readonly ParameterSet[];
  readonly key: string | undefined;
}

class StartRun implements Command {
  private readonly asked: Asked;
  constructor(asked: Asked) {
    this.asked = asked;
  }
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
    const common = { id, user, name, pair, template, sets, body: JSON.stringify(this.asked.sets) + pair, seenRunning: new Set<number>() };
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

/** An Idempotency-Key is a user's own, like a user-run-id. */
const keyName = (user: string, key: string): string => `key ${user} ${key}`;

/** What the strict template has against them. */
function problemsOf(sets: readonly ParameterSet[]): string[] {
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
  private readonly user: string;
  private readonly limit: number;
  constructor(user: string, limit: number) {
    this.user = user;
    this.limit = limit;
  }
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
  protected readonly chosen: number;
  protected readonly limit: number;
  constructor(chosen: number, limit: number) {
    this.chosen = chosen;
    this.limit = limit;
  }
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
    const query = { state: 'FAILED' };
    const failed = await listed<JobView>(world, 'GET /v1/runs/{runId}/jobs', { path: { runId: run.id }, query, limit: this.limit });
    expect(failed).toEqual(jobs.filter(({ state }) => state === 'FAILED'));
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
    // A job that failed before any tick found it running never ran, as far as anybody knows.
    const failed = run.seenRunning.has(index) ? ['create', 'run', 'fail'] : ['create', 'fail'];
    const names = { CREATED: ['create'], RUNNING: ['create', 'run'], FINISHED: ['create', 'run', 'finish'], FAILED: failed };
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
