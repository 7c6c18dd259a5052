/**
 * Every operation is asked, as who may and as who may not, with what it takes and with what it does not; that each answer is one that
 * docs/openapi.json tells is seen to by the caller (functions/http-call.ts). Here: that every answer that the document tells comes about.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { directoryArchives } from '#adapters/archives/directory';
import { Fault } from '#domain/faults';
import { log } from '#hosts/lambda/log';
import { installPorts } from '#hosts/wiring';
import { apiOf, bearer, requestBody, slug, type Api } from '#test/functions/api';
import { listenToAnswers, type Answer, type Call } from '#test/functions/http-call';
import { reporting, type Registered, type Reporting } from '#test/functions/reporting';
import { world, type World } from '#test/operations/world';
import { memoryDatabase } from '#test/support/memory-table';
import { complaints, operations, resolved, type Operation } from './described.ts';
import { nameOf, untold } from './conformance.ts';

/** Files of the build: console.test.ts and openapi.test.ts have them served. */
const asked = [...operations].filter(([, { security }]) => security.length > 0);
/** What comes about where something is broken, and is the same for all: asked once, at the end. */
const BROKEN = ['500', '503'];

const seen = new Map<string, Set<string>>();
const read = new Map<string, Set<string>>();
const note = (notes: Map<string, Set<string>>, key: string, values: Iterable<string>): void => {
  notes.set(key, new Set([...(notes.get(key) ?? []), ...values]));
};

let it: World;
let api: Api;
let jobs: Reporting;
const root = mkdtempSync(join(tmpdir(), 'sluice-answers-'));

beforeAll(async () => {
  it = await world(memoryDatabase);
  installPorts({ ...it.ports, archives: directoryArchives(root) });
  vi.spyOn(log, 'error').mockImplementation(() => undefined);
  vi.spyOn(log, 'warn').mockImplementation(() => undefined);
  api = await apiOf(it);
  jobs = reporting(api);
  listenToAnswers((answered) => {
    note(seen, answered.routeKey, [String(answered.status)]);
    note(read, answered.routeKey, answered.read);
  });
});
afterAll(() => {
  listenToAnswers(undefined);
  installPorts(undefined);
  rmSync(root, { recursive: true, force: true });
  vi.restoreAllMocks();
});

/** Names that nothing has. */
const NAMES: Readonly<Record<string, string>> = {
  runId: 'run_01K00000000000000000009999',
  jobId: '10700000-0000-5000-8000-000000000000',
  templateId: 'tmpl_none',
  version: '1',
  setKey: '0'.repeat(32),
  sourceType: 'none',
  targetType: 'none',
  tokenId: '01K00000000000000000009999',
  engine: 'control-hub',
};
const secret = ({ security }: Operation): Readonly<Record<string, string>> =>
  security.some((one) => 'webhookSecret' in one) ? { authorization: '', 'x-sluice-webhook-secret': 'hush' } : {};
const ask = (key: string, call: Call = {}): Promise<Answer> => api.ask(key, { ...call, path: { ...NAMES, ...call.path } });
/** What the document shows as a body. */
const shown = ({ requestBody: body }: Operation): Pick<Call, 'body'> => {
  const example = body?.content['application/json']?.example;
  return example === undefined ? {} : { body: example };
};

async function answers(key: string, expected: readonly (number | string)[], call: Call = {}): Promise<Answer> {
  const answer = await ask(key, call);
  expect([key, answer.status, ...(expected.length > 1 ? [slug(answer)] : [])], JSON.stringify(answer.body)).toEqual([key, ...expected]);
  return answer;
}

describe.each(asked)('%s', (key, operation) => {
  test('without a token is answered by 401', async () => {
    await answers(key, [401, 'not-authenticated'], { ...shown(operation), headers: { authorization: '' } });
  });

  if (operation.responses['403'])
    test('with a token of another scope is answered by 403', async () => {
      const scope = operation.security[0]?.['apiToken']?.[0] ?? '';
      await it.ports.apiTokens.put({
        ...((await it.ports.apiTokens.find('reader')) ?? { id: '', name: '', secretDigest: '' }),
        id: 'elsewhere',
        scopes: [scope === 'catalog:write' ? 'jobs:report' : 'catalog:write'],
      });
      const authorization = bearer('reader')['authorization']?.replace('slc_reader', 'slc_elsewhere') ?? '';
      await answers(key, [403, 'not-allowed'], { ...shown(operation), headers: { authorization } });
    });

  if (operation.requestBody?.content['application/json']?.schema['$ref'] !== undefined) {
    test('with a body that is no JSON, is too large, or has members of other types is told so', async () => {
      const headers = secret(operation);
      await answers(key, [415, 'unsupported-media-type'], { headers: { ...headers, 'content-type': 'text/plain' }, body: 'hello' });
      await answers(key, [400, 'malformed-request'], { headers, body: '{' });
      const most = Number(/At most ([0-9]+) bytes/.exec(JSON.stringify(operation.requestBody))?.[1]);
      await answers(key, [413, 'request-too-large'], { headers, body: `"${'x'.repeat(most - 1)}"` });
      const wrong = await ask(key, { headers, body: '[]' });
      expect([400, 422]).toContain(wrong.status);
      expect(complaints(operation.requestBody?.content['application/json']?.schema ?? {}, [])).not.toEqual([]);
    });
  }

  const query = (operation.parameters ?? []).filter((parameter) => parameter.in === 'query');
  const strict = query.filter(
    ({ name, schema }) => !['include', 'format'].includes(name) && (schema['enum'] ?? schema['maximum']) !== undefined,
  );
  if (strict.length > 0)
    test('refuses what the document says may not be given in the query', async () => {
      const required = Object.fromEntries(query.filter((parameter) => parameter.required).map(({ name }) => [name, 'x']));
      for (const { name, schema } of strict) {
        const { minimum, maximum } = schema;
        const wrong = typeof maximum === 'number' ? [maximum + 1, Number(minimum) - 1] : ['another'];
        for (const value of wrong) {
          const answer = await ask(key, {
            ...shown(operation),
            path: { templateId: 'tmpl_sleep' },
            query: { ...required, [name]: String(value) },
          });
          expect([name, value, answer.status, answer.body.errors?.[0]?.pointer]).toEqual([name, value, 400, name]);
        }
        const right = typeof maximum === 'number' ? [Number(minimum), maximum] : (schema['enum'] as readonly string[]);
        for (const value of right) {
          if (name === 'timeout-seconds') continue;
          const answer = await ask(key, {
            ...shown(operation),
            path: { templateId: 'tmpl_sleep' },
            query: { ...required, [name]: String(value) },
          });
          expect([name, value, answer.status === 400]).toEqual([name, value, false]);
        }
      }
    });

  if (query.some(({ name }) => name === 'cursor'))
    test('refuses a cursor of another list', async () => {
      const required = Object.fromEntries(query.filter((parameter) => parameter.required).map(({ name }) => [name, 'x']));
      const { status } = await ask(key, { ...shown(operation), query: { ...required, cursor: 'x' } });
      expect([400, 404, 422]).toContain(status);
    });

  if (operation.responses['404'] && !key.startsWith('PUT'))
    test('about what there is not is answered by 404', async () => {
      const nothing =
        key === 'GET /v1/metrics/daily' ? { query: { 'template-id': '☃' } } : { path: key.includes('/sets/') ? { templateId: '☃' } : {} };
      await answers(key, [404, 'not-found'], { ...shown(operation), ...nothing, headers: { 'content-type': 'application/json' } });
    });
});

const DONE = { SECONDS: 1 };
const FAILING = { SECONDS: 1, FAIL: 'disk full' };
let names = 0;
const named = (sets: readonly object[]): Readonly<Record<string, unknown>> => ({
  ...requestBody(sets),
  'user-run-id': `answers ${(names += 1)}`,
});

describe('what goes well is told', () => {
  test('of starting, planning and reading runs', async () => {
    for (const [key, status] of [
      ['POST /v1/runs', 202],
      ['POST /streamsets/job-template-runner', 200],
    ] as const) {
      const body = named([DONE]);
      await answers(key, [status], { body });
      await answers(key, [200], { body });
      await answers(key, [422, 'key-reused'], { body: { ...body, 'runtime-parameters': [FAILING] } });
      await answers(key, [422, 'no-pattern'], { body: { ...named([DONE]), 'source-type': 'none' } });
      await answers(key, [412, 'plan-changed'], { body: named([DONE]), headers: { 'if-match': '0'.repeat(64) } });
    }
    const planned = await answers('POST /v1/runs/plan', [200], { body: named([DONE, FAILING]), query: { limit: '1' } });
    expect(planned.body['next-cursor']).toBeDefined();
    await answers('POST /v1/runs/plan', [422, 'no-pattern'], { body: { ...named([DONE]), 'target-type': 'none' } });
    const run = await api.ended([{ ...DONE, LATE: 1 }, FAILING]);
    const path = { runId: run.id };
    await answers('GET /v1/runs', [200], { query: { 'user-id': 'ada', limit: '500' } });
    await answers('GET /v1/runs/{runId}', [200], { path, query: { include: 'cost' } });
    const listed = await answers('GET /v1/runs/{runId}/jobs', [200], { path, query: { include: 'parameters', state: 'FINISHED' } });
    await answers('GET /v1/runs/{runId}/wait', [200], { path });
    const [job] = listed.body['items'] as readonly { readonly 'job-id': string; readonly 'set-key': string }[];
    const ofJob = { jobId: job?.['job-id'] ?? '' };
    for (const key of ['', '/history', '/wait', '/metrics/series', '/comparison'])
      await answers(`GET /v1/jobs/{jobId}${key}`, [200], { path: ofJob });
    await answers('GET /v1/jobs/{jobId}', [200], { path: ofJob, query: { at: new Date(Date.parse(it.ports.clock.now())).toISOString() } });
    await answers('GET /v1/jobs/{jobId}', [400, 'invalid-request'], { path: ofJob, query: { at: 'noon' } });
    await answers('GET /v1/templates/{templateId}/sets/{setKey}/jobs', [200], {
      path: { templateId: 'tmpl_sleep', setKey: job?.['set-key'] ?? '' },
    });
    await answers('GET /v1/metrics', [200], { query: { 'user-run-id': run.userRunId } });
    await answers('GET /v1/metrics/daily', [200]);
    const again = { ...named([{ ...DONE, LATE: 1 }]), 'skip-succeeded-since': '2026-01-01T00:00:00Z' };
    expect((await answers('POST /v1/runs', [200], { body: again })).body['run-id']).toBeNull();
  });

  test('of changing runs', async () => {
    const under = await api.running([{ SECONDS: 600 }, { SECONDS: 600 }]);
    await answers('POST /v1/jobs/{jobId}/cancel', [202], { path: { jobId: `${under.id.replace('run', 'job')}_00000` } });
    await answers('POST /v1/runs/{runId}/cancel', [202], { path: { runId: under.id } });
    const accepted = await api.started([DONE]);
    await answers('POST /v1/jobs/{jobId}/cancel', [409, 'not-ready'], { path: { jobId: `${accepted.id.replace('run', 'job')}_00000` } });
    await answers('POST /v1/runs/{runId}/retry', [409, 'not-ready'], { path: { runId: accepted.id } });
    await ask('POST /v1/runs/{runId}/cancel', { path: { runId: accepted.id } });
    const waiting = await api.planned([DONE]);
    await ask('POST /v1/jobs/{jobId}/cancel', { path: { jobId: `${waiting.id.replace('run', 'job')}_00000` } });
    const run = await api.ended([DONE, FAILING, FAILING]);
    const path = { runId: run.id };
    await answers('POST /v1/runs/{runId}/cancel', [409, 'already-ended'], { path });
    await answers('POST /v1/runs/{runId}/retry', [422, 'invalid-selection'], { path, body: { indexes: [7] } });
    const retry = { path, headers: { 'idempotency-key': 'retry-1' }, body: { indexes: [1] } };
    await answers('POST /v1/runs/{runId}/retry', [202], retry);
    await answers('POST /v1/runs/{runId}/retry', [200], retry);
    const clone = { path, body: { 'user-run-id': 'cloned' } };
    await answers('POST /v1/runs/{runId}/clone', [202], clone);
    await answers('POST /v1/runs/{runId}/clone', [200], clone);
    await answers('POST /v1/runs/{runId}/clone', [422, 'invalid-selection'], {
      path,
      body: { 'user-run-id': 'c', failed: { indexes: [7] } },
    });
    await answers('POST /v1/runs/{runId}/clone', [412, 'plan-changed'], {
      path,
      body: { 'user-run-id': 'd' },
      headers: { 'if-match': '0'.repeat(64) },
    });
    const fine = await api.ended([DONE]);
    await answers('POST /v1/runs/{runId}/clone', [409, 'nothing-to-retry'], {
      path: { runId: fine.id },
      body: { 'user-run-id': 'e', failed: {} },
    });
  });

  test('of the catalog', async () => {
    const templates = { path: { templateId: 'tmpl_t' }, body: { name: 'T', engine: 'sleep', limits: { retries: { lost: 2 } } } };
    await answers('PUT /v1/templates/{templateId}', [201], templates);
    await answers('PUT /v1/templates/{templateId}', [200], templates);
    await answers('PUT /v1/templates/{templateId}', [412, 'precondition-failed'], { ...templates, headers: { 'if-none-match': '*' } });
    await answers('PUT /v1/templates/{templateId}', [422, 'invalid-template'], { ...templates, body: { name: 'T', engine: 'none' } });
    const patterns = { path: { sourceType: 'a', targetType: 'b' }, body: { 'template-id': 'tmpl_t' } };
    await answers('PUT /v1/patterns/{sourceType}/{targetType}', [201], patterns);
    await answers('PUT /v1/patterns/{sourceType}/{targetType}', [200], patterns);
    await answers('PUT /v1/patterns/{sourceType}/{targetType}', [412, 'precondition-failed'], {
      ...patterns,
      headers: { 'if-match': '"7"' },
    });
    await answers('PUT /v1/patterns/{sourceType}/{targetType}', [422, 'no-template'], {
      ...patterns,
      body: { 'template-id': 'tmpl_none' },
    });
    for (const key of ['GET /v1/templates', 'GET /v1/patterns']) await answers(key, [200]);
    await answers('GET /v1/templates/{templateId}/versions', [200], templates);
    const version = { path: { ...templates.path, version: '1' } };
    for (const [key, { path }] of [
      ['GET /v1/templates/{templateId}', templates],
      ['GET /v1/templates/{templateId}/versions/{version}', version],
      ['GET /v1/patterns/{sourceType}/{targetType}', patterns],
    ] as const) {
      const { headers } = await answers(key, [200], { path });
      await answers(key, [304], { path, headers: { 'if-none-match': headers['etag'] ?? '' } });
    }
    await answers('DELETE /v1/templates/{templateId}', [409, 'in-use'], { path: templates.path });
    for (const [key, { path }] of [
      ['DELETE /v1/patterns/{sourceType}/{targetType}', patterns],
      ['DELETE /v1/templates/{templateId}', templates],
    ] as const) {
      await answers(key, [400, 'invalid-request'], { path, headers: { 'if-match': 'seven' } });
      await answers(key, [412, 'precondition-failed'], { path, headers: { 'if-match': '"7"' } });
      await answers(key, [204], { path });
    }
  });

  test('of jobs that report themselves', async () => {
    const body = { pipeline: 'align', data: { sample: 's-1' }, 'archive-patterns': ['a'], 'expect-update-within-seconds': 60 };
    const { body: registered } = await answers('POST /v1/jobs', [201], { body });
    await answers('POST /v1/jobs', [200], { body });
    const job: Registered = {
      id: String(registered['job-id']),
      token: String(registered['token']),
      tokenId: String(registered['token-id']),
    };
    const path = { jobId: job.id };
    await answers('GET /v1/jobs', [200], { query: { pipeline: 'align' } });
    await answers('POST /v1/jobs/{jobId}/cancel', [200], { path });
    await answers('POST /v1/jobs', [201], { body });
    const token = (await answers('POST /v1/jobs/{jobId}/tokens', [201], { path, body: { events: ['run', 'finish'] } })).body;
    await answers('GET /v1/jobs/{jobId}/tokens', [200], { path });
    const sent = { path, body: { name: 'run', id: 'one' } };
    for (const _ of [1, 2]) await answers('POST /v1/jobs/{jobId}/events', [200], sent);
    await answers('POST /v1/jobs/{jobId}/events', [409, 'event-refused'], { path, body: { name: 'ready' } });
    await answers('POST /v1/jobs/{jobId}/events', [422, 'key-reused'], { path, body: { name: 'update', id: 'one' } });
    await answers('DELETE /v1/jobs/{jobId}', [409, 'job-at-work'], { path });
    await answers('POST /v1/jobs/{jobId}/callback', [200], {
      path,
      query: { status: 'FINISHED', note: 'n', token: String(token['token']) },
    });
    await answers('POST /v1/jobs/{jobId}/callback', [409, 'event-refused'], { path, query: { event: 'ready' } });
    await answers('POST /v1/jobs/{jobId}/callback', [422, 'invalid-event'], { path });
    await answers('POST /v1/jobs/{jobId}/callback', [413, 'request-too-large'], { path, body: 'x'.repeat(262_145) });
    await answers('DELETE /v1/jobs/{jobId}/tokens/{tokenId}', [204], { path: { ...path, tokenId: String(token['token-id']) } });
    const { body: view } = await jobs.view(job);
    const folder = join(root, String(view['archive-path']));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'a.csv'), 'x');
    expect((await answers('POST /v1/jobs/{jobId}/index', [200], { path })).body['outputs']).toBe(1);
    await answers('GET /v1/jobs/{jobId}/outputs', [200], { path });
    await answers('POST /v1/jobs/{jobId}/reset', [200], { path });
    await answers('DELETE /v1/jobs/{jobId}', [200], { path });
    await answers('POST /v1/jobs', [409, 'job-deleted'], { body });
    const run = await api.ended([DONE]);
    const managed = { path: { jobId: `${run.id.replace('run', 'job')}_00000` } };
    for (const key of ['GET /v1/jobs/{jobId}/outputs', 'POST /v1/jobs/{jobId}/index', 'POST /v1/jobs/{jobId}/reset'])
      await answers(key, [409, 'event-refused'], managed);
  });

  test('of archives that lead elsewhere', async () => {
    const elsewhere = join(root, 'elsewhere');
    mkdirSync(elsewhere);
    for (const key of ['POST /v1/jobs/{jobId}/index', 'POST /v1/jobs/{jobId}/reset']) {
      const job = await jobs.registered();
      for (const name of ['run', 'finish']) await jobs.send(job, { name });
      const folder = join(root, String((await jobs.view(job)).body['archive-path']));
      mkdirSync(dirname(folder), { recursive: true });
      symlinkSync(elsewhere, folder);
      await answers(key, [422, 'archive-refused'], { path: { jobId: job.id } });
    }
  });

  test('of tokens, the sweep and engines', async () => {
    const { body } = await answers('POST /v1/tokens', [201], { body: { name: 'ci', scopes: ['runs:read'] } });
    await answers('POST /v1/tokens', [409, 'name-taken'], { body: { name: 'ci', scopes: ['runs:read'] } });
    await answers('GET /v1/tokens', [200]);
    const path = { tokenId: String(body['token-id']) };
    await answers('GET /v1/tokens/{tokenId}', [200], { path });
    await answers('DELETE /v1/tokens/{tokenId}', [200], { path });
    await answers('DELETE /v1/tokens/{tokenId}', [409, 'last-administrator'], { path: { tokenId: 'boss' } });
    await api.running([{ SECONDS: 6000 }]);
    it.advance(3600);
    for (const method of ['GET', 'POST']) await answers(`${method} /v1/sweep`, [200]);
    const key = 'POST /v1/engines/{engine}/events';
    const operation = operations.get(key);
    await answers(key, [202], { ...(operation ? { ...shown(operation), headers: secret(operation) } : {}) });
  });

  test('of races, of what was done before and of what takes long', async () => {
    const { runs, catalog } = it.ports;
    const archives = directoryArchives(root);
    const job = await jobs.registered();
    for (const name of ['run', 'finish']) await jobs.send(job, { name });
    const folder = join(root, String((await jobs.view(job)).body['archive-path']));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'a'), 'x');
    installPorts({
      ...it.ports,
      runs: {
        ...runs,
        accept: ({ run, bodyDigest }) => Promise.resolve({ kind: 'taken', earlier: { runId: run.id, bodyDigest, complete: false } }),
      },
      catalog: {
        ...catalog,
        // Another one comes first.
        async addTemplateVersion(template, options) {
          await catalog.addTemplateVersion({ ...template, name: 'theirs' }, options);
          return 'conflict';
        },
      },
      archives: {
        ...archives,
        async *files(path) {
          it.advance(25);
          yield* archives.files(path);
        },
      },
    });
    for (const key of ['POST /v1/runs', 'POST /streamsets/job-template-runner'])
      await answers(key, [409, 'request-in-progress'], { body: named([DONE]) });
    const template = { path: { templateId: 'tmpl_raced' }, body: { name: 'ours', engine: 'sleep' } };
    await answers('PUT /v1/templates/{templateId}', [409, 'version-conflict'], template);
    await answers('POST /v1/jobs/{jobId}/index', [202], { path: { jobId: job.id } });
    installPorts({ ...it.ports, archives });
    const run = await api.running([{ SECONDS: 600 }]);
    const path = { runId: run.id };
    await answers('POST /v1/runs/{runId}/cancel', [202], { path });
    await it.watch(run);
    await answers('POST /v1/runs/{runId}/cancel', [200], { path });
  });

  test('of what is broken', async () => {
    const broken = (error: Error): void => {
      installPorts({ ...it.ports, catalog: { ...it.ports.catalog, templates: () => Promise.reject(error) } });
    };
    broken(new Fault('StoreBusy', 'the store does not answer'));
    await answers('GET /v1/templates', [503, 'unavailable']);
    broken(new Error('a slip'));
    await answers('GET /v1/templates', [500, 'fault']);
    installPorts({ ...it.ports, archives: directoryArchives(root) });
  });
});

describe('the document tells no more than there is', () => {
  test('every status of every operation comes about', () => {
    const missing = asked.flatMap(([key, { responses }]) =>
      Object.keys(responses)
        .filter((status) => !BROKEN.includes(status) && seen.get(key)?.has(status) !== true)
        .map((status) => `${key} ${status}`),
    );
    expect(missing).toEqual([]);
  });

  test('every parameter of every operation is looked for', () => {
    const unread = asked.flatMap(([key, { parameters = [] }]) =>
      parameters
        .filter((parameter) => parameter.in !== 'path' && read.get(key)?.has(nameOf(parameter.in, parameter.name)) !== true)
        .map(({ name }) => `${key} ${name}`),
    );
    expect(unread).toEqual([]);
  });

  test('a member, a status or a header that is not told is a fault', async () => {
    const run = await api.started([DONE]);
    const { body, headers } = await ask('GET /v1/runs/{runId}', { path: { runId: run.id } });
    const operation = operations.get('GET /v1/runs/{runId}') ?? asked[0]?.[1];
    if (!operation) throw new Error('nothing is described');
    const of = (status: number, more: object, other: object = {}): readonly string[] =>
      untold(operation, { status, headers: { ...headers, ...other }, text: JSON.stringify({ ...body, ...more }) });
    expect(of(200, {})).toEqual([]);
    expect(of(200, { secret: 1 }).join()).toContain('secret');
    expect(of(200, { jobs: { ...(body['jobs'] as object), lost: 1 } }).join()).toContain('lost');
    expect(of(202, {})).toEqual(['the status 202 is not told']);
    expect(of(200, {}, { etag: '"1"' })).toEqual(['etag is not told']);
    expect(of(200, {}, { 'content-type': 'text/plain' })).toEqual(['the content type text/plain is not told']);
    expect(resolved(operation.responses['404'] ?? {}).content).toHaveProperty(['application/problem+json']);
  });
});
