/**
 * The examples of the PipelineJobs documentation (register, run, update, chain, fail, a deferred update by the callback URL and
 * by a message) as they are done here, over HTTP on the whole service. Afterwards no token is found in anything that it keeps
 * or prints.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { JobRegistered, ReportedJobView } from '#contract/job-views';
import type { HistoryEntryView, PageView } from '#contract/views';
import { log } from '#hosts/lambda/log';
import { startService, type Answer, type Service } from '#test/support/service';

let service: Service;
const printed: string[] = [];
const replies: string[] = [];

beforeAll(async () => {
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      printed.push(String(text));
      return true;
    });
  }
  for (const level of ['error', 'warn', 'info', 'debug'] as const)
    vi.spyOn(log, level).mockImplementation((...said) => void printed.push(JSON.stringify(said, withErrors)));
  service = await startService();
});
afterAll(async () => {
  vi.restoreAllMocks();
  await service.close();
});

const withErrors = (_key: string, value: unknown): unknown => (value instanceof Error ? `${value.message} ${String(value.stack)}` : value);

const tokens: string[] = [];

async function registered(data: object): Promise<JobRegistered> {
  const { status, body } = await service.request<JobRegistered>('POST', '/v1/jobs', { pipeline: 'ingest', data });
  expect(status).toBe(201);
  tokens.push(String(body.token));
  return body;
}

/** By whoever holds the token, and nothing else. */
async function byToken<Body = Record<string, unknown>>(
  job: JobRegistered,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer<Body>> {
  const answer = await service.request<Body>(method, `/v1/jobs/${job['job-id']}${path}`, body, {
    authorization: `Bearer ${String(job.token)}`,
  });
  replies.push(JSON.stringify(answer.body));
  return answer;
}

const send = (job: JobRegistered, name: string, data?: object): Promise<Answer<Record<string, unknown>>> =>
  byToken(job, 'POST', '/events', { name, ...(data ? { data } : {}) });

async function documented(job: JobRegistered): Promise<readonly unknown[]> {
  const { body } = await byToken<PageView<HistoryEntryView>>(job, 'GET', '/history');
  for (const { at } of body.items) expect(at).toMatch(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/);
  return body.items.map(({ name, data }) => [name, data ?? null]);
}

/** The URL that was handed out, filled in as its subscriber would, without any header. */
async function callBack(job: JobRegistered, fill: Readonly<Record<string, string>>, body?: string): Promise<Response> {
  const url = job['callback-url'].replaceAll(/\$\{(\w+)\}/g, (_, name: string) => encodeURIComponent(fill[name] ?? ''));
  return fetch(url, { method: 'POST', ...(body === undefined ? {} : { body, headers: { 'content-type': 'application/json' } }) });
}

test('register, run, update, finish: one event after the other, each answered with the state that it led to', async () => {
  const job = await registered({ sample: 'a', alpha: 0.5 });
  expect(job).toMatchObject({
    state: 'CREATED',
    attached: false,
    'archive-path': expect.stringMatching(/^\/products\/v2\/[0-9a-f]{32}\//) as string,
  });
  const states = [];
  for (const [name, data] of [
    ['run', undefined],
    ['update', { step: 'aligned', reads: 1204 }],
    ['resource', { host: 'c7' }],
    ['finish', { note: 'done' }],
  ] as const)
    states.push((await send(job, name, data)).body['state']);
  expect(states).toEqual(['RUNNING', 'RUNNING', 'RUNNING', 'FINISHED']);
  expect(await documented(job)).toEqual([
    ['create', null],
    ['run', null],
    ['update', { step: 'aligned', reads: 1204 }],
    ['resource', { host: 'c7' }],
    ['finish', { note: 'done' }],
  ]);
});

test('a chain stops at the first refusal, which names the state; fail says why', async () => {
  const job = await registered({ sample: 'b' });
  const refused = await send(job, 'finish');
  expect(refused).toMatchObject({ status: 409, body: { type: '/problems/event-refused', state: 'CREATED' } });
  await send(job, 'run');
  await send(job, 'fail', { message: 'the sequencer is on fire' });
  const { body } = await byToken<ReportedJobView>(job, 'GET', '');
  expect(body).toMatchObject({ state: 'FAILED', failure: { reason: 'reported', message: 'the sequencer is on fire' } });
  expect((await byToken<ReportedJobView>(job, 'GET', '/wait?until=terminal&timeout-seconds=5')).body.state).toBe('FAILED');
});

test('deferred: another system calls the URL back, empty or with its own record; a later process sends a message with the token in it', async () => {
  const job = await registered({ sample: 'c' });
  expect((await callBack(job, { STATUS: 'RUNNING', NOTE: 'queued & started' })).status).toBe(200);
  const record = { appId: 'fastqc-1.2', status: 'ARCHIVING', owner: 'ada', archivePath: '/x' };
  const resource = await callBack(job, { STATUS: 'ARCHIVING', NOTE: '' }, JSON.stringify(record));
  expect(await resource.json()).toMatchObject({ name: 'resource', state: 'RUNNING' });
  const message = await fetch(`${service.host.url}/v1/jobs/${job['job-id']}/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'update', data: { page: 3 }, token: job.token }),
  });
  expect(await message.json()).toMatchObject({ state: 'RUNNING', sequence: 4 });
  expect((await callBack(job, { STATUS: 'FINISHED', NOTE: '' })).status).toBe(200);
  expect(await documented(job)).toEqual([
    ['create', null],
    ['run', { status: 'RUNNING', note: 'queued & started' }],
    ['resource', { ...record, note: '' }],
    ['update', { page: 3 }],
    ['finish', { status: 'FINISHED', note: '' }],
  ]);
  expect((await fetch(`${job['callback-url']}x`.replace(String(job.token), `${String(job.token)}x`), { method: 'POST' })).status).toBe(401);
});

test('set up again, the same content is the same job; it outlives the service', async () => {
  const job = await registered({ sample: 'd' });
  await send(job, 'run');
  service = await service.restart();
  const again = await service.request<JobRegistered>('POST', '/v1/jobs', { pipeline: 'ingest', data: { sample: 'd' } });
  expect(again).toMatchObject({ status: 200, body: { 'job-id': job['job-id'], attached: true, state: 'RUNNING' } });
  replies.push(JSON.stringify(again.body));
  expect((await send(job, 'finish')).body).toMatchObject({ state: 'FINISHED', sequence: 3 });
});

test('no token is in what the service keeps, prints or answers later; what it may keep of one is', async () => {
  // A fault on the way of a request with a token in its URL is logged, too.
  const job = await registered({ sample: 'e' });
  const broken = vi.spyOn(service.host.ports.jobTokens, 'find').mockRejectedValueOnce(new Error('the store is gone'));
  expect((await callBack(job, { STATUS: 'RUNNING', NOTE: '' })).status).toBe(500);
  expect(broken).toHaveBeenCalledOnce();
  expect((await callBack(job, { STATUS: 'RUNNING', NOTE: `token=${String(job.token)}` })).status).toBe(200);
  expect(printed.join('\n')).toContain('the store is gone');
  await documented(job);
  await service.host.close();
  const files = readdirSync(service.dataDir, { recursive: true, withFileTypes: true }).filter(
    (each) => each.isFile() && each.name !== 'token',
  );
  const kept = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'latin1')).join('\n');
  expect(tokens).toHaveLength(5);
  for (const token of [...tokens, service.host.token]) {
    const [id = '', secret = ''] = token.split('.');
    expect(secret.length).toBeGreaterThanOrEqual(43);
    expect(kept).toContain(id.replace(/^sl[cj]_/, ''));
    for (const place of [kept, printed.join('\n'), replies.join('\n')]) expect(place.includes(secret)).toBe(false);
  }
});
