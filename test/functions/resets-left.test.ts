/** Resets of reported jobs that nobody has brought to their end: who goes on with them, when, and when nobody does. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { directoryArchives } from '#adapters/archives/directory';
import { Fault } from '#domain/faults';
import { log } from '#hosts/lambda/log';
import { installPorts } from '#hosts/wiring';
import type { Archives } from '#operations/archive-ports';
import { sweepJobs } from '#operations/sweep';
import { world, type World } from '#test/operations/world';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { apiOf, type Api } from './api.ts';
import type { Answer } from './http-call.ts';
import { reporting, type Registered, type Reporting } from './reporting.ts';

let database: TestDatabase;
let it: World;
let api: Api;
let jobs: Reporting;
let root: string;

beforeAll(async () => {
  database = await startTestDatabase();
});
beforeEach(async () => {
  it = await world(database);
  root = mkdtempSync(join(tmpdir(), 'sluice-resets-'));
  install();
  api = await apiOf(it);
  jobs = reporting(api);
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
  vi.restoreAllMocks();
});
afterAll(async () => {
  installPorts(undefined);
  await database.close();
});

const install = (): void => {
  installPorts({ ...it.ports, archives: directoryArchives(root) });
};

interface Archived extends Registered {
  readonly folder: string;
}

async function finished(files: readonly string[]): Promise<Archived> {
  const job = await jobs.registered();
  for (const name of ['run', 'finish']) await jobs.send(job, { name });
  const folder = join(root, String((await jobs.view(job)).body['archive-path']));
  mkdirSync(folder, { recursive: true });
  for (const file of files) writeFileSync(join(folder, file), file);
  return { ...job, folder };
}
const reset = (job: Registered, body?: object): Promise<Answer> =>
  api.ask('POST /v1/jobs/{jobId}/reset', { path: { jobId: job.id }, ...(body ? { body } : {}) });
const stateOf = async (job: Registered): Promise<unknown> => (await jobs.view(job)).body['state'];

describe('a reset whose process has died', () => {
  const FIRST = '2026-01-01T00:06:00.000Z';
  const swept = async (): Promise<unknown> =>
    (await sweepJobs({ ...it.ports, archives: directoryArchives(root) })).map(({ stray, outcome }) => [stray.kind, outcome?.kind]);
  const killed = async (body?: object): Promise<Archived> => {
    vi.spyOn(log, 'error').mockImplementation(() => undefined);
    const job = await finished(['a', 'b']);
    const save: World['ports']['reportedJobs']['save'] = (change) =>
      change.after.state === 'RESET' ? it.ports.reportedJobs.save(change) : Promise.reject(new Error('killed'));
    const clear = (): Promise<number> => {
      rmSync(join(job.folder, 'a'));
      return Promise.reject(new Error('killed'));
    };
    const archives = { ...directoryArchives(root), clear };
    installPorts({ ...it.ports, archives, reportedJobs: { ...it.ports.reportedJobs, save } });
    expect((await reset(job, body)).status).toBe(500);
    install();
    return job;
  };

  test('is gone on with by the sweep once nobody else can be at it any more, and told of by doctor before', async () => {
    const job = await killed();
    it.advance(359);
    expect([await swept(), await stateOf(job)]).toEqual([[], 'RESET']);
    it.advance(1);
    for (const method of ['GET', 'POST'])
      expect((await api.ask(`${method} /v1/sweep`)).body['findings']).toEqual([
        {
          kind: 'job-not-reset',
          'job-id': job.id,
          since: FIRST,
          detail: `${job.id} is being reset, and nobody goes on with it`,
          repair: 'empty its archive and make it ready, as the sweep of every minute does',
        },
      ]);
    expect(await swept()).toEqual([['job-not-reset', 'repaired']]);
    expect([await stateOf(job), readdirSync(job.folder)]).toEqual(['CREATED', []]);
    expect((await jobs.history(job)).slice(-3)).toMatchObject([
      { name: 'reset', actor: 'token of boss' },
      { name: 'reset', actor: 'sluice', data: { try: 2 } },
      { name: 'ready', actor: 'sluice', attempt: 2, data: { 'files-removed': 1 } },
    ]);
    it.advance(3600);
    expect(await swept()).toEqual([]);
  });

  test('keeps the archive where it was to be kept', async () => {
    const job = await killed({ 'keep-archive': true });
    it.advance(360);
    expect(await swept()).toEqual([['job-not-reset', 'repaired']]);
    expect([await stateOf(job), readdirSync(job.folder).toSorted()]).toEqual(['CREATED', ['a', 'b']]);
  });

  test('is left alone where somebody has reset it again, or made it ready, also between the finding and the repair', async () => {
    const [again, ready, late] = [await killed(), await killed(), await killed()];
    expect((await reset(again)).status).toBe(200);
    await jobs.command(ready, 'ready');
    it.advance(360);
    const save: World['ports']['reportedJobs']['save'] = async (change) => {
      if (change.before.id === late.id && change.after.state === 'RESET' && change.before.state === 'RESET')
        for (const name of ['ready', 'run']) await jobs.command(late, name);
      return it.ports.reportedJobs.save(change);
    };
    const racing = { ...it.ports, archives: directoryArchives(root), reportedJobs: { ...it.ports.reportedJobs, save } };
    expect((await sweepJobs(racing)).map(({ stray }) => [stray.kind, 'row' in stray && stray.row.id])).toEqual([
      ['job-not-reset', late.id],
    ]);
    for (const [job, state] of [
      [again, 'CREATED'],
      [ready, 'CREATED'],
      [late, 'RUNNING'],
    ] as const)
      expect(await stateOf(job)).toBe(state);
    expect([readdirSync(ready.folder), readdirSync(late.folder)]).toEqual([['b'], ['b']]);
  });

  test('is tried five times, ever later, where its archive does not answer; then it stays in RESET with the reason', async () => {
    const job = await killed();
    const clear = (): Promise<number> => Promise.reject(new Fault('ArchiveUnavailable', 'the bucket did not answer'));
    const failing = { ...it.ports, archives: { ...directoryArchives(root), clear } };
    const pauses: number[] = [];
    for (let seconds = 0; pauses.length < 10 && seconds < 7200; seconds += 60) {
      it.advance(60);
      if ((await sweepJobs(failing)).some(({ outcome }) => outcome?.kind === 'failed')) pauses.push(seconds + 60);
    }
    expect(pauses).toEqual([360, 480, 720, 1200]);
    const [last] = await jobs.history(job, { order: 'newest', limit: '1' });
    expect([await stateOf(job), last?.['name'], last?.['data']]).toEqual([
      'RESET',
      'reset',
      { 'reset-failed': expect.stringContaining('did not answer') as string },
    ]);
    expect(await reset(job)).toMatchObject({ status: 200, body: { state: 'CREATED' } });
  });

  test('and takes longer than a sweep may is not made ready before its archive is empty', async () => {
    const job = await killed();
    it.advance(360);
    const slow: Archives = {
      ...directoryArchives(root),
      async clear(_path, goesOn) {
        it.advance(201);
        return (await goesOn?.()) ? 2 : 1;
      },
    };
    await sweepJobs({ ...it.ports, archives: slow });
    const [last] = await jobs.history(job, { order: 'newest', limit: '1' });
    expect([await stateOf(job), last?.['data']]).toEqual([
      'RESET',
      { 'reset-failed': 'its time was over when 1 file was removed', 'tried-again-at': expect.stringMatching(/Z$/) as string },
    ]);
    it.advance(120);
    expect(await swept()).toEqual([['job-not-reset', 'repaired']]);
    expect([await stateOf(job), readdirSync(job.folder)]).toEqual(['CREATED', []]);
  });

  test('each time that it is gone on with is begun five times, and no more', async () => {
    const job = await killed();
    const clear = (): Promise<number> => Promise.reject(new Error('killed'));
    const dying = { ...it.ports, archives: { ...directoryArchives(root), clear } };
    const messages: unknown[] = [];
    for (let sweeps = 0; sweeps < 8; sweeps += 1) {
      it.advance(360);
      for (const { outcome } of await sweepJobs(dying)) messages.push(outcome?.kind === 'failed' ? outcome.message : outcome?.kind);
    }
    expect(messages).toEqual([...Array<string>(4).fill('killed'), 'it was begun 5 times, and came to no end']);
    expect(await stateOf(job)).toBe('RESET');
  });

  test('as an event alone is nobody’s to go on with', async () => {
    const job = await finished(['a']);
    await jobs.command(job, 'reset');
    it.advance(86_400);
    expect([await swept(), await stateOf(job), readdirSync(job.folder)]).toEqual([[], 'RESET', ['a']]);
  });
});
