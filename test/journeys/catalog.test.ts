import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PatternView, TemplateView } from '#contract/catalog';
import type { Problem } from '#contract/problems';
import type { JobView, PageView } from '#contract/views';
import { systemClock } from '#hosts/local/host-clock';
import { allJobs, endedRun, startRun } from '#test/support/journey';
import { startService, type Answer, type Service } from '#test/support/service';
import { sleepEngine } from '#test/support/sleep-engine';

let service: Service;
beforeAll(async () => {
  const clock = systemClock();
  service = await startService({
    engines: { sleep: sleepEngine({ nowMs: () => clock.nowMs(), at: (atMs, callback) => clock.at(atMs, callback) }) },
  });
});
afterAll(() => service.close());

const template = (name: string): object => ({ name, engine: 'sleep' });
type Headers = Readonly<Record<string, string>>;
const ask = <Body>(method: string, path: string, body?: unknown, headers?: Headers): Promise<Answer<Body>> =>
  service.request<Body>(method, path, body, headers);
const put = (id: string, name: string, headers?: Headers): Promise<Answer<TemplateView & Problem>> =>
  ask('PUT', `/v1/templates/${id}`, template(name), headers);
const putPattern = (path: string, id: string, headers?: Headers): Promise<Answer<PatternView & Problem>> =>
  ask('PUT', `/v1/patterns/${path}`, { 'template-id': id }, headers);
const refusalOf = ({ status, body }: Answer<Partial<Problem>>): readonly unknown[] => [status, body.type];
const etag = ({ status, headers }: Answer): readonly unknown[] => [status, headers.get('etag')];

describe('a template', () => {
  test('says its version in the ETag of every answer, and is changed only in the version that the caller has seen', async () => {
    expect(etag(await put('tmpl_tags', 'one'))).toEqual([201, '"1"']);
    expect(etag(await ask('GET', '/v1/templates/tmpl_tags'))).toEqual([200, '"1"']);
    expect(etag(await put('tmpl_tags', 'two', { 'if-match': '"1"' }))).toEqual([200, '"2"']);
    expect(etag(await ask('GET', '/v1/templates/tmpl_tags/versions/1'))).toEqual([200, '"1"']);
    const late = await put('tmpl_tags', 'three', { 'if-match': '"1"' });
    expect(refusalOf(late)).toEqual([412, '/problems/precondition-failed']);
    expect([late.body.detail, late.headers.get('etag')]).toEqual(['the newest version is 2', '"2"']);
    expect(etag(await put('tmpl_tags', 'three', { 'if-match': '"7", "2"' }))).toEqual([200, '"3"']);
  });

  test.each([
    ['if-none-match', '*', 412],
    ['if-none-match', '"1"', 412],
    ['if-none-match', '"8"', 200],
    ['if-match', '*', 200],
    ['if-match', 'W/"1"', 412],
    ['if-match', '"no-version"', 412],
    ['if-match', '"01"', 412],
    ['if-match', '1', 400],
    ['if-match', '', 400],
  ])('that is in version 1, put with %s: %s, is answered %i', async (header, value, status) => {
    const id = `tmpl_header-${Buffer.from(`${header} ${value}`).toString('hex')}`;
    await put(id, 'one');
    const answer = await put(id, 'two', { [header]: value });
    expect(answer.status).toBe(status);
    if (status === 400) expect(answer.body.errors).toMatchObject([{ pointer: header, rule: 'format' }]);
  });

  test('that is not there is created where the caller says that it is not, and not where he says that it is', async () => {
    expect(refusalOf(await put('tmpl_new', 'one', { 'if-match': '*' }))).toEqual([412, '/problems/precondition-failed']);
    expect((await put('tmpl_new', 'one', { 'if-none-match': '*' })).status).toBe(201);
  });

  test('that the caller has already is not sent again', async () => {
    await put('tmpl_seen', 'one');
    const seen = await ask('GET', '/v1/templates/tmpl_seen', undefined, { 'if-none-match': 'W/"9", "1"' });
    expect([...etag(seen), seen.body]).toEqual([304, '"1"', undefined]);
    await put('tmpl_seen', 'two');
    expect((await ask('GET', '/v1/templates/tmpl_seen', undefined, { 'if-none-match': '"1"' })).status).toBe(200);
  });

  test('lists its versions newest first, in pages', async () => {
    for (const name of ['one', 'two', 'three']) await put('tmpl_paged', name);
    const path = '/v1/templates/tmpl_paged/versions';
    const first = (await ask<PageView<TemplateView>>('GET', `${path}?limit=2`)).body;
    const second = (await ask<PageView<TemplateView>>('GET', `${path}?limit=2&cursor=${first['next-cursor'] ?? ''}`)).body;
    expect([...first.items, ...second.items].map(({ version, name }) => [version, name])).toEqual([
      [3, 'three'],
      [2, 'two'],
      [1, 'one'],
    ]);
    expect(refusalOf(await ask('GET', `${path}?cursor=x`))).toEqual([400, '/problems/malformed-cursor']);
    expect(refusalOf(await ask('GET', '/v1/templates/tmpl_never/versions'))).toEqual([404, '/problems/not-found']);
  });
});

describe('a pattern', () => {
  test('has a version, in its ETag and in its body, and is changed and deleted only in the version that the caller names', async () => {
    for (const id of ['tmpl_a', 'tmpl_b']) await put(id, 'any');
    expect(etag(await putPattern('x/y', 'tmpl_a'))).toEqual([201, '"1"']);
    expect(etag(await putPattern('x/y', 'tmpl_a'))).toEqual([200, '"1"']);
    expect(refusalOf(await putPattern('x/y', 'tmpl_b', { 'if-match': '"2"' }))).toEqual([412, '/problems/precondition-failed']);
    expect(refusalOf(await putPattern('x/y', 'tmpl_b', { 'if-none-match': '*' }))).toEqual([412, '/problems/precondition-failed']);
    expect(etag(await putPattern('x/y', 'tmpl_b', { 'if-match': '"1"' }))).toEqual([200, '"2"']);
    const shown = await ask<PatternView>('GET', '/v1/patterns/x/y');
    expect([...etag(shown), shown.body]).toMatchObject([200, '"2"', { 'template-id': 'tmpl_b', version: 2 }]);
    expect((await ask('GET', '/v1/patterns/x/y', undefined, { 'if-none-match': '"2"' })).status).toBe(304);
    expect(refusalOf(await ask('DELETE', '/v1/patterns/x/y', undefined, { 'if-match': '"1"' }))).toEqual([
      412,
      '/problems/precondition-failed',
    ]);
    const deleted = await ask('DELETE', '/v1/patterns/x/y', undefined, { 'if-match': '"2"' });
    expect([deleted.status, deleted.body]).toEqual([204, undefined]);
    for (const method of ['GET', 'DELETE']) expect(refusalOf(await ask(method, '/v1/patterns/x/y'))).toEqual([404, '/problems/not-found']);
  });
});

describe('a template that is deleted', () => {
  test('is refused to go while it is used, and then leaves what old runs ran', async () => {
    await put('tmpl_gone', 'one');
    await putPattern('in/out', 'tmpl_gone');
    const { 'run-id': runId } = await startRun(service, { sourceType: 'in', targetType: 'out', sets: [{ SECONDS: 3600 }] });
    const used = await ask<Problem>('DELETE', '/v1/templates/tmpl_gone');
    expect(refusalOf(used)).toEqual([409, '/problems/in-use']);
    expect(used.body).toMatchObject({
      detail: `it is used by the pattern in to out, the run ${runId}`,
      patterns: [{ 'source-type': 'in', 'target-type': 'out' }],
      runs: [runId],
    });
    await ask('DELETE', '/v1/patterns/in/out');
    expect((await ask<Problem>('DELETE', '/v1/templates/tmpl_gone')).body).toMatchObject({ patterns: [], runs: [runId] });
  });

  test('is in no list, starts nothing and can be named by no pattern; its versions and the jobs that it ran are still shown', async () => {
    await put('tmpl_past', 'one');
    await put('tmpl_past', 'two');
    await putPattern('old/new', 'tmpl_past');
    const { 'run-id': runId } = await startRun(service, {
      sourceType: 'old',
      targetType: 'new',
      userRunId: 'past',
      sets: [{ SECONDS: 0 }],
    });
    await endedRun(service, runId);
    await ask('DELETE', '/v1/patterns/old/new');
    expect(refusalOf(await ask('DELETE', '/v1/templates/tmpl_past', undefined, { 'if-match': '"1"' }))).toEqual([
      412,
      '/problems/precondition-failed',
    ]);
    expect((await ask('DELETE', '/v1/templates/tmpl_past')).status).toBe(204);

    for (const method of ['GET', 'DELETE']) expect((await ask(method, '/v1/templates/tmpl_past')).status).toBe(404);
    const { items } = (await ask<PageView<TemplateView>>('GET', '/v1/templates?limit=500')).body;
    expect(items.map((one) => one['template-id'])).not.toContain('tmpl_past');
    expect(refusalOf(await putPattern('old/new', 'tmpl_past'))).toEqual([422, '/problems/no-template']);
    expect((await ask<TemplateView>('GET', '/v1/templates/tmpl_past/versions/2')).body).toMatchObject({ name: 'two' });
    expect((await ask<PageView<TemplateView>>('GET', '/v1/templates/tmpl_past/versions')).body.items).toHaveLength(2);
    expect((await allJobs(service, runId)).map(({ state }) => state)).toEqual(['FINISHED']);
    const [job] = (await ask<PageView<JobView>>('GET', `/v1/runs/${runId}/jobs?include=parameters`)).body.items;
    expect(job?.parameters).toMatchObject({ SECONDS: { value: 0 } });

    expect(etag(await put('tmpl_past', 'three', { 'if-none-match': '*' }))).toEqual([201, '"3"']);
    expect((await ask<PageView<TemplateView>>('GET', '/v1/templates/tmpl_past/versions')).body.items).toHaveLength(3);
  });

  test('without a token is refused', async () => {
    for (const path of ['/v1/templates/tmpl_tags', '/v1/patterns/x/y'])
      expect((await ask('DELETE', path, undefined, { authorization: '' })).status).toBe(401);
  });
});
