import { describe, expect, test } from 'vitest';
import type { PlanView } from '#contract/plan-view';
import { aTemplate } from '#test/domain/builders';
import type { World } from '#test/operations/world';
import { pointers, requestBody, slug, type Api } from './api.ts';
import { eachTest } from './each-test.ts';
import type { Answer, Call } from './http-call.ts';

const TEMPLATE = {
  static: { sourceParameters: {}, targetParameters: { OUTPUT: 7 }, sourceConnection: {}, targetConnection: {} },
  overridable: ['OUTPUT'],
  identity: ['CITY'],
  parametersSchema: { type: 'object', properties: { SECONDS: { type: 'number', default: 10 } } },
};

let it: World;
let api: Api;

eachTest(
  (given) => {
    ({ it, api } = given);
  },
  { template: TEMPLATE },
);

const SETS = [{ CITY: 'Kyiv' }, { CITY: 'Lagos', OUTPUT: 9 }, { CITY: 'Lima' }];
const request = (change: object = {}): object => ({ ...requestBody(SETS), 'user-run-id': 'nightly', ...change });
const plan = (body: object = request(), query: Call['query'] = {}): Promise<Answer> => api.ask('POST /v1/runs/plan', { body, query });
const viewOf = ({ body }: Answer): PlanView => body as unknown as PlanView;
const start = (body: object, headers: Call['headers'] = {}): Promise<Answer> => api.ask('POST /v1/runs', { body, headers });
const runs = async (): Promise<number> => ((await api.ask('GET /v1/runs')).body['items'] as readonly unknown[]).length;

describe('a plan', () => {
  test('says which version of which template it is, and each set as its job would be given it; nothing is started', async () => {
    const answer = await plan();
    expect(answer.status).toBe(200);
    expect(answer.headers['etag']).toBe(`"${viewOf(answer)['plan-hash']}"`);
    expect(answer.body).toMatchObject({
      'template-id': 'tmpl_sleep',
      'template-version': 1,
      engine: 'sleep',
      'set-count': 3,
      'skipped-sets': [],
    });
    expect(viewOf(answer).sets[1]).toMatchObject({
      index: 1,
      parameters: {
        CITY: { value: 'Lagos', origin: 'caller' },
        OUTPUT: { value: 9, origin: 'caller', replaced: { origin: 'target-parameters', value: 7 } },
        SECONDS: { value: 10, origin: 'schema-default' },
      },
    });
    expect(answer.body).not.toHaveProperty('expected');
    expect(await runs()).toBe(0);
  });

  test('comes in pages, each with the hash of the whole, and ends with the last set', async () => {
    const first = viewOf(await plan(request(), { limit: '2' }));
    expect(first.sets.map(({ index }) => index)).toEqual([0, 1]);
    const second = viewOf(await plan(request(), { limit: '2', cursor: first['next-cursor'] ?? '' }));
    expect(second.sets.map(({ index }) => index)).toEqual([2]);
    expect(second).not.toHaveProperty('next-cursor');
    expect(second['plan-hash']).toBe(first['plan-hash']);
    const ofAnother = await plan(request({ 'user-run-id': 'weekly' }), { limit: '2' });
    for (const cursor of ['x', viewOf(ofAnother)['next-cursor'] ?? '']) {
      const foreign = await plan(request(), { cursor });
      expect([foreign.status, slug(foreign)]).toEqual([400, 'malformed-cursor']);
    }
    expect(pointers(await plan(request(), { limit: '501' }))).toEqual(['limit']);
  });

  test('gives a set the key under which its jobs are found again', async () => {
    const run = await api.ended(SETS);
    const [, lagos] = viewOf(await plan()).sets;
    const path = { templateId: 'tmpl_sleep', setKey: lagos?.['set-key'] ?? '' };
    const { body } = await api.ask('GET /v1/templates/{templateId}/sets/{setKey}/jobs', { path });
    expect(body['items']).toMatchObject([{ 'run-id': run.id, index: 1, state: 'FINISHED' }]);
  });

  test('says what it may take, once enough jobs of the template have ended', async () => {
    await api.ended(Array.from({ length: 5 }, (_, index) => ({ CITY: `city ${index}` })));
    const { expected } = viewOf(await plan());
    expect(expected).toMatchObject({ 'engine-starts': 3, 'job-seconds': { p10: 10, p50: 10, p90: 10 }, 'run-seconds': 10 });
    expect(expected?.['engine-status-calls']).toBeGreaterThan(0);
  });

  test.each<[string, object, number, string, readonly string[]]>([
    ['a body without a field', { 'user-id': undefined }, 400, 'invalid-request', ['/user-id']],
    ['a time without a zone', { 'skip-succeeded-since': '2026-01-01' }, 400, 'invalid-request', ['/skip-succeeded-since']],
    ['a pair without a pattern', { 'target-type': 'gold' }, 422, 'no-pattern', ['/source-type', '/target-type']],
    [
      'a set that is not valid',
      { 'runtime-parameters': [{}, { SECONDS: 'x' }] },
      422,
      'invalid-parameters',
      ['/runtime-parameters/1/SECONDS'],
    ],
  ])('of %s is refused as its start is', async (_, change, status, type, at) => {
    const answers = [await plan(request(change)), await start(request(change))];
    for (const answer of answers) expect([answer.status, slug(answer), pointers(answer)]).toEqual([status, type, at]);
    expect(answers[0]?.body).toEqual(answers[1]?.body);
  });
});

describe('a start of what was planned', () => {
  const hash = async (body: object = request()): Promise<string> => viewOf(await plan(body))['plan-hash'];

  test('starts exactly that, with or without quotes about its hash', async () => {
    const planned = await hash();
    expect((await start(request(), { 'if-match': `"${planned}"` })).status).toBe(202);
    expect((await start(request({ 'user-run-id': 'b' }), { 'if-match': await hash(request({ 'user-run-id': 'b' })) })).status).toBe(202);
  });

  test('that has started already is answered by its run, whatever has changed', async () => {
    const planned = await hash();
    const { body } = await start(request(), { 'if-match': planned });
    await it.ports.catalog.addTemplateVersion(aTemplate({ ...TEMPLATE, version: 2 }));
    const again = await start(request(), { 'if-match': planned });
    expect([again.status, again.body['run-id']]).toEqual([200, body['run-id']]);
  });

  test.each<[string, () => Promise<unknown>, object]>([
    ['another version of the template', () => it.ports.catalog.addTemplateVersion(aTemplate({ ...TEMPLATE, version: 2 })), {}],
    ['another set', () => Promise.resolve(), { 'runtime-parameters': [...SETS, {}] }],
    ['another order of the sets', () => Promise.resolve(), { 'runtime-parameters': SETS.toReversed() }],
    ['another name', () => Promise.resolve(), { 'user-run-id': 'other' }],
    ['another user', () => Promise.resolve(), { 'user-id': 'grace' }],
  ])('is refused where it would start %s, with the hash of now, and nothing is started', async (_, meanwhile, change) => {
    const planned = await hash();
    await meanwhile();
    const answer = await start(request(change), { 'if-match': planned });
    expect([answer.status, slug(answer)]).toEqual([412, 'plan-changed']);
    expect(await runs()).toBe(0);
    const now = answer.headers['etag'] ?? '';
    expect(now).not.toBe(`"${planned}"`);
    expect((await start(request(change), { 'if-match': now })).status).toBe(202);
  });

  test('is refused where a set has succeeded meanwhile that is to be left out then', async () => {
    const body = request({ 'skip-succeeded-since': it.ports.clock.now() });
    const planned = await hash(body);
    await api.ended([SETS[0] ?? {}]);
    const answer = await start(body, { 'if-match': planned });
    expect([answer.status, slug(answer)]).toEqual([412, 'plan-changed']);
    expect((await start(body, { 'if-match': await hash(body) })).body).toMatchObject({ 'skipped-sets': 1 });
  });

  test.each(['*', '"1"', '', 'W/"'.concat('a'.repeat(64), '"'), 'a'.repeat(63), 'A'.repeat(64)])(
    'with an If-Match that is no hash of a plan is refused: %s',
    async (ifMatch) => {
      const answer = await start(request(), { 'if-match': ifMatch });
      expect([answer.status, pointers(answer)]).toEqual([400, ['If-Match']]);
      expect(await runs()).toBe(0);
    },
  );
});

describe('sets that have succeeded since a time', () => {
  test('are left out of the plan and of the run, by what identifies them and not by all that they hold', async () => {
    const before = it.ports.clock.now();
    await api.ended([
      { CITY: 'Kyiv', OUTPUT: 1 },
      { CITY: 'Lima', FAIL: 'disk full' },
    ]);
    const body = request({ 'skip-succeeded-since': before });
    expect(viewOf(await plan(body))).toMatchObject({ 'set-count': 2, 'skipped-sets': [0], sets: [{ index: 1 }, { index: 2 }] });
    const started = await start(body);
    expect(started.body).toMatchObject({ 'skipped-sets': 1 });
    expect(started.body['job-ids']).toHaveLength(2);
    const run = await api.ask('GET /v1/runs/{runId}', { path: { runId: String(started.body['run-id']) } });
    expect(run.body).toMatchObject({ 'skipped-sets': 1, jobs: { total: 2 } });
  });

  test('are started all the same where they succeeded before it', async () => {
    await api.ended(SETS);
    it.advance(60);
    const body = request({ 'skip-succeeded-since': it.ports.clock.now() });
    expect(viewOf(await plan(body))['skipped-sets']).toEqual([]);
  });

  test('are nothing to start where they are all: answered with 200 and no run, also under the hash of such a plan', async () => {
    const since = it.ports.clock.now();
    await api.ended(SETS);
    const body = request({ 'skip-succeeded-since': since });
    const planned = viewOf(await plan(body));
    expect(planned).toMatchObject({ 'set-count': 0, 'skipped-sets': [0, 1, 2], sets: [] });
    const before = await runs();
    const answer = await start(body, { 'if-match': planned['plan-hash'] });
    expect([answer.status, answer.body]).toEqual([200, { status: 'OK', 'run-id': null, 'skipped-sets': 3 }]);
    expect(answer.headers).not.toHaveProperty('location');
    expect(await runs()).toBe(before);
  });
});
