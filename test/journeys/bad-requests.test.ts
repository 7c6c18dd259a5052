/** Who may not call, what is not there, and what cannot be registered: told alike, told exactly, never a fault of ours. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Problem } from '#contract/problems';
import type { PageView, RunStarted } from '#contract/views';
import { digestOfSecret } from '#hosts/lambda/authentication';
import { endedRun, registerSleep } from '#test/support/journey';
import { rawRequest } from '#test/support/raw-http';
import { startService, type Service } from '#test/support/service';
import { systemSleepEngine } from '#test/support/sleep-engine';

let service: Service;

beforeAll(async () => {
  service = await startService({ engines: { sleep: systemSleepEngine() } });
  await registerSleep(service);
  await service.request('PUT', '/v1/templates/tmpl_other', { name: 'Other', engine: 'sleep' });
  await service.request('PUT', '/v1/patterns/time/other', { 'template-id': 'tmpl_other' });
});
afterAll(async () => {
  await service.close();
});

const pointers = ({ errors = [] }: Problem): readonly string[] => errors.map(({ pointer, rule }) => `${pointer} ${rule}`);
const slug = ({ type }: Problem): string => type.replace('/problems/', '');

let names = 0;
async function started(sets: readonly object[]): Promise<RunStarted> {
  const body = { 'user-id': 'ada', 'user-run-id': `bad-requests-${(names += 1)}`, 'source-type': 'time', 'target-type': 'nothing' };
  return (await service.request<RunStarted>('POST', '/v1/runs', { ...body, 'runtime-parameters': sets })).body;
}

describe('no token, and what is none,', () => {
  const secret = 's'.repeat(43);
  beforeAll(async () => {
    await service.host.ports.apiTokens.put({ id: 'reader', name: 'reader', secretDigest: digestOfSecret(secret), scopes: ['runs:read'] });
  });
  const run = '/v1/runs/run_01K00000000000000000000009';
  const set = `/v1/templates/tmpl_sleep/sets/${'0'.repeat(32)}/jobs`;
  const paths = ['/v1/runs', run, `${run}/wait`, '/v1/jobs/x', '/v1/templates/tmpl_sleep', set, '/v1/metrics', '/v1/sweep'];

  test.each<[string, string | undefined]>([
    ['no header', undefined],
    ['an empty one', ''],
    ['another scheme', 'Basic YTpi'],
    ['a word', 'Bearer nonsense'],
    ['a secret that is too short', 'Bearer slc_reader.short'],
    ['the wrong secret', `Bearer slc_reader.${'x'.repeat(43)}`],
    ['the secret and a character', `Bearer slc_reader.${secret}s`],
    ['an unknown id', `Bearer slc_nobody.${secret}`],
    ['a name that every object has', `Bearer slc_constructor.${secret}`],
    ['two tokens', `Bearer slc_reader.${secret}, Bearer slc_reader.${secret}`],
  ])('are answered alike: %s', async (_, authorization) => {
    for (const path of paths) {
      const { status, headers, problem } = await rawRequest(service, { path, headers: { authorization } });
      expect([status, slug(problem), headers['www-authenticate']]).toEqual([401, 'not-authenticated', 'Bearer']);
      // A job opens to its own token as well.
      const advice = path.startsWith('/v1/jobs/') ? 'send a valid token of this job (' : 'send the header Authorization: Bearer slc_…';
      expect(problem.detail.slice(0, advice.length)).toBe(advice);
    }
  });

  test('a good token of another scope is told which one it needs, before its body is looked at', async () => {
    const headers = { authorization: `Bearer slc_reader.${secret}` };
    const post = await rawRequest(service, { method: 'POST', path: '/v1/runs', headers, body: 'nonsense' });
    expect([post.status, slug(post.problem)]).toEqual([403, 'not-allowed']);
    expect(post.problem.detail).toContain('runs:write');
    const put = await rawRequest(service, { method: 'PUT', path: '/v1/templates/tmpl_x', headers, body: '{}' });
    expect([put.status, put.problem.detail]).toEqual([403, 'this needs a token with the scope catalog:write']);
    expect((await rawRequest(service, { path: '/v1/runs', headers })).status).toBe(200);
  });
});

describe('ids and cursors', () => {
  const ULID = '01K00000000000000000000009';
  test.each([
    `/v1/runs/run_${ULID}`,
    `/v1/runs/run_${ULID}/jobs`,
    `/v1/jobs/job_${ULID}_00000`,
    `/v1/jobs/job_${ULID}_00000/history`,
    '/v1/runs/x',
    '/v1/runs/run_',
    `/v1/runs/RUN_${ULID}`,
    `/v1/runs/run_${ULID}%0a`,
    '/v1/runs/run_01k00000000000000000000009',
    '/v1/runs/__proto__',
    '/v1/jobs/x/history',
    `/v1/jobs/job_${ULID}_0`,
    `/v1/jobs/job_${ULID}_-0001`,
    '/v1/templates/x',
    '/v1/templates/tmpl_unknown',
    '/v1/templates/tmpl_sleep/versions/0',
    '/v1/templates/tmpl_sleep/versions/2',
    '/v1/templates/tmpl_sleep/versions/-1',
    '/v1/templates/tmpl_sleep/versions/1e400',
    '/v1/templates/tmpl_sleep/versions/x',
    '/v1/patterns/time/x',
    '/v1/patterns/__proto__/constructor',
  ])('%s is not found', async (path) => {
    const { status, body } = await service.request<Problem>('GET', path);
    expect([status, slug(body)]).toEqual([404, 'not-found']);
  });

  test('a job whose index is beyond its run is not found', async () => {
    const body = await started([{}, {}]);
    const beyond = body['run-id'].replace('run_', 'job_');
    expect((await service.request('GET', `/v1/jobs/${beyond}_00001`)).status).toBe(200);
    expect((await service.request('GET', `/v1/jobs/${beyond}_00002`)).status).toBe(404);
    expect((await service.request('GET', `/v1/jobs/${beyond}_00002/history`)).status).toBe(404);
  });

  test('a cursor that the list did not give out is refused, whichever it is', async () => {
    const body = await started([{}, {}, {}]);
    await started([{}]);
    await endedRun(service, body['run-id']);
    const lists = [
      '/v1/runs?',
      '/v1/runs?user-id=ada&',
      `/v1/runs/${body['run-id']}/jobs?`,
      `/v1/jobs/${body['job-ids'][0] ?? ''}/history?`,
      '/v1/templates?',
      '/v1/patterns?',
      `/v1/metrics?user-run-id=${body['user-run-id']}&`,
    ];
    const cursors = await Promise.all(
      lists.map(async (list) => (await service.request<PageView<unknown>>('GET', `${list}limit=1`)).body['next-cursor']),
    );
    const nonsense = ['', 'x', '%00', 'e30', 'WzEsMl0', 'bnVsbA', 'W10', 'WyJhIiwiMCJd', 'x'.repeat(5_000), 'a&cursor=b'];
    for (const [at, list] of lists.entries()) {
      const own = cursors[at] ?? '';
      expect([list, own]).toEqual([list, expect.stringMatching(/./)]);
      expect((await service.request('GET', `${list}cursor=${own}`)).status).toBe(200);
      const others = cursors.flatMap((cursor, other) => (other === at || cursor === undefined ? [] : [cursor]));
      for (const cursor of [...nonsense, ...others, own.slice(0, -3), `${own.slice(0, 5)}A${own.slice(6)}`]) {
        const { status, body: problem } = await service.request<Problem>('GET', `${list}cursor=${cursor}`);
        expect([list, cursor, status, slug(problem)]).toEqual([list, cursor, 400, 'malformed-cursor']);
      }
    }
  });
});

describe('a template that cannot be used', () => {
  const sleep = { name: 'x', engine: 'sleep' };
  const sql = (text: string): object => ({
    name: 'x',
    engine: 'duckdb',
    definition: { stages: [{ name: 'one', role: 'input', sql: text }], target: { path: 'x.csv', sql: 'SELECT 1', format: 'csv' } },
  });
  const schema = (parameters: object): object => ({ ...sleep, 'parameters-schema': parameters });

  test.each<[string, object, number, string]>([
    ['two statements', sql('CREATE TABLE a AS SELECT 1; DROP TABLE a'), 422, '/definition/stages/0/sql'],
    ['a syntax error', sql('CREATE TABEL a'), 422, '/definition/stages/0/sql'],
    ['a forbidden statement', sql("ATTACH '/etc/passwd' AS p"), 422, '/definition/stages/0/sql'],
    ['a setting', sql("SET enable_external_access = 'true'"), 422, '/definition/stages/0/sql'],
    ['no statement', sql(' -- nothing'), 422, '/definition/stages/0/sql'],
    ['an unknown type', schema({ type: 'objekt' }), 422, '/parameters-schema/type'],
    ['properties that are a number', schema({ properties: 5 }), 422, '/parameters-schema/properties'],
    ['a pattern that is none', schema({ properties: { A: { pattern: '(' } } }), 422, '/parameters-schema/properties/A/pattern'],
    ['a reference into nothing', schema({ properties: { A: { $ref: '#/$defs/none' } } }), 422, '/parameters-schema/properties/A/$ref'],
    ['a reference into the net', schema({ $ref: 'http://127.0.0.1:1/schema' }), 422, '/parameters-schema/$ref'],
    ['a reference to itself', schema({ $ref: '#' }), 422, '/parameters-schema'],
    ['a pattern of names that is none', schema({ patternProperties: { '[': {} } }), 422, '/parameters-schema/patternProperties/['],
    ['an unknown engine', { ...sleep, engine: 'spark' }, 422, '/engine'],
    ['an engine with the name of a method', { ...sleep, engine: 'constructor' }, 422, '/engine'],
    ['an unknown key', { ...sleep, enigne: 'sleep' }, 400, ''],
    ['an unknown key of its limits', { ...sleep, limits: { 'max-wait': 1 } }, 400, '/limits'],
    ['a limit of nothing', { ...sleep, limits: { 'max-parallel': 0 } }, 400, '/limits/max-parallel'],
    ['a name that is a number', { ...sleep, name: 7 }, 400, '/name'],
    ['a definition that is a list', { ...sleep, definition: [] }, 400, '/definition'],
  ])('is told by its place: %s', async (_, document, expected, pointer) => {
    const { status, body } = await service.request<Problem>('PUT', '/v1/templates/tmpl_bad', document);
    expect([status, (body.errors ?? []).map((error) => error.pointer)]).toEqual([expected, expect.arrayContaining([pointer]) as string[]]);
    expect((await service.request('GET', '/v1/templates/tmpl_bad')).status).toBe(404);
  });

  test.each(['x', 'tmpl_', 'tmpl_UPPER', 'tmpl_a%2fb', `tmpl_${'x'.repeat(64)}`])('nor one whose id is %s', async (id) => {
    expect((await service.request('PUT', `/v1/templates/${id}`, sleep)).status).toBe(400);
  });

  test('a pattern of a template that is not there is refused', async () => {
    for (const id of ['tmpl_none', 'x', '']) {
      const { status, body } = await service.request<Problem>('PUT', '/v1/patterns/a/b', { 'template-id': id });
      expect([status, slug(body), pointers(body)]).toEqual([422, 'no-template', ['/template-id template']]);
    }
  });
});
