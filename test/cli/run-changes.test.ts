import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { problemOf } from '#contract/problems';
import type { JobView, RunRetried, RunView } from '#contract/views';
import { refused, runBody, scriptedFetch } from '#test/client/scripted-fetch';
import { startSleepService, type SleepService } from './sleep-service.ts';
import { terminal, type Printed } from './terminal.ts';

let running: SleepService;

beforeAll(async () => {
  running = await startSleepService();
});
afterAll(() => running.service.close());

const run = (...words: readonly string[]): Promise<Printed> => running.sluice('run', ...words);
const started = async (...words: readonly string[]): Promise<string> => (await running.start(...words)).stdout.trim();
type Viewed = RunView & { readonly 'job-list': readonly JobView[] };
const viewed = async (id: string): Promise<Viewed> => JSON.parse((await run('view', id, '--json')).stdout) as Viewed;
/** Until its jobs are made: before that there is nothing to retry. */
async function underWay(id: string): Promise<string> {
  while ((await viewed(id))['job-list'].some(({ state }) => state === 'CREATED')) await new Promise((resolve) => setTimeout(resolve, 25));
  return id;
}

describe('run cancel', () => {
  test('prints the id and says what is being stopped; --wait sees the end, and exits 5', async () => {
    const id = await underWay(await started('--set', '-p', 'SECONDS=600', '--set', '-p', 'SECONDS=600'));
    const asked = await run('cancel', id);
    expect([asked.code, asked.stdout]).toEqual([0, `${id}\n`]);
    expect(asked.stderr).toBe(`${id} CANCELLING: 2 jobs to be stopped. Look at it: sluice run view ${id}\n`);
    const { code, stdout } = await run('cancel', id, '--wait');
    expect(code).toBe(5);
    expect(stdout).toMatch(/^run_\S+ CANCELLED\n/);
    expect(stdout).toMatch(/^ {2}closing {3}cancelled: cancelled by \S+/m);
    expect(stdout).toMatch(/^ {2}1 {2}FAILED .* cancelled: /m);
  });

  test('a run that is followed by another terminal ends there with 5', async () => {
    const id = await started('-p', 'SECONDS=600');
    const watched = run('watch', id, '--exit-status');
    await run('cancel', id);
    expect((await watched).code).toBe(5);
  });

  test('of a run that has ended is refused by how it ended', async () => {
    const id = await running.ended('--set');
    const { code, stdout, stderr } = await run('cancel', id);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^sluice: the run was not cancelled\.\nWhy: It has ended already; run_\S+ has ended as SUCCEEDED/);
  });

  test('--json prints the run', async () => {
    const id = await started('-p', 'SECONDS=600');
    expect(JSON.parse((await run('cancel', id, '--json', 'run-id,state')).stdout)).toEqual({ 'run-id': id, state: 'CANCELLING' });
    await run('watch', id);
  });

  test('a wait that is over exits 3', async () => {
    const going = { status: 200, body: { ...runBody('CANCELLING', 1), items: [] } };
    const { fetch } = scriptedFetch(going);
    expect((await terminal({ fetch })('run', 'cancel', 'run_1', '--wait', '--timeout-seconds', '0')).code).toBe(3);
  });
});

describe('run retry', () => {
  test('of every failed job is another attempt of just these, in the same run', async () => {
    const id = await running.ended('--set', '--set', '-p', 'FAIL=disk full', '--set', '-p', 'FAIL=disk full');
    const { code, stdout, stderr } = await run('retry', id, '--failed', '--wait');
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^${id} RUNNING: attempt 2 of 2 jobs; Ctrl-C ends the waiting, not the run\n`));
    expect(stdout).toMatch(/^ {2}attempt {3}2$/m);
    expect(stdout).toMatch(/^SET +STATE +ATTEMPT +IN/m);
    const { state, 'job-list': jobs } = await viewed(id);
    expect([state, jobs.map(({ attempt }) => attempt)]).toEqual(['PARTIAL', [1, 2, 2]]);
  });

  test('prints the id alone without --wait, and the answer of the API with --json', async () => {
    const id = await running.ended('-p', 'FAIL=disk full');
    const { code, stdout } = await run('retry', id, '--index', '0');
    expect([code, stdout]).toEqual([0, `${id}\n`]);
    await run('watch', id);
    const retried = JSON.parse((await run('retry', id, '--failed', '--json')).stdout) as RunRetried;
    expect(retried).toMatchObject({ 'run-id': id, attempt: 3 });
    expect(retried['job-ids']).toHaveLength(1);
  });

  test('under the same key is the same retry, and without one another', async () => {
    const id = await running.ended('-p', 'FAIL=disk full');
    for (const _ of [1, 2]) {
      await run('retry', id, '--failed', '--idempotency-key', `retry-of-${id}`, '--wait');
      expect((await viewed(id)).attempt).toBe(2);
    }
    await run('retry', id, '--failed', '--wait');
    expect((await viewed(id)).attempt).toBe(3);
  });

  test('by reason, place and key takes the jobs that are named so', async () => {
    const id = await running.ended('--set', '-p', 'CITY=Kyiv', '-p', 'REFUSE=no', '--set', '-p', 'CITY=Lagos', '-p', 'FAIL=no', '--set');
    const attempts = async (): Promise<readonly number[]> => (await viewed(id))['job-list'].map(({ attempt }) => attempt);
    await run('retry', id, '--reason', 'start-failed', '--wait');
    expect(await attempts()).toEqual([2, 1, 1]);
    const { 'job-list': jobs } = await viewed(id);
    const lagos = JSON.parse((await running.sluice('job', 'view', jobs[1]?.['job-id'] ?? '', '--json')).stdout) as JobView;
    await run('retry', id, '--set-key', lagos['set-key'] ?? '', '--wait');
    expect(await attempts()).toEqual([2, 2, 1]);
    await run('retry', id, '--index', '0', '--index', '1', '--wait');
    expect(await attempts()).toEqual([3, 3, 1]);
  });

  test('names the jobs that have not failed, and those that are not there; nothing is retried', async () => {
    const id = await running.ended('--set', '--set', '-p', 'FAIL=no');
    const { code, stdout, stderr } = await run('retry', id, '--index', '0', '--index', '1', '--index', '9');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('\n  /indexes: set 9: the run has 2 sets; the last index is 1 (selection)');
    expect(stderr).toContain('\n  /indexes: set 0: the job is FINISHED: only failed jobs are retried (selection)');
    expect((await viewed(id)).attempt).toBe(1);
  });

  test('where no job failed so exits 2', async () => {
    const id = await running.ended('--set');
    const { code, stderr } = await run('retry', id, '--failed');
    expect(code).toBe(2);
    expect(stderr).toContain('Why: No job has failed in this way; ');
  });

  test('that nobody answered may have happened: it is told under which key to send it again', async () => {
    const { fetch, asked } = scriptedFetch(refused());
    const { code, stderr } = await terminal({ fetch })('run', 'retry', 'run_1', '--failed');
    expect(code).toBe(70);
    const [key = ''] = asked.map(({ headers }) => headers['idempotency-key']);
    expect(stderr).toContain('sluice: no answer says that jobs of run_1 were retried.\n');
    expect(stderr).toContain(`Sent again with --idempotency-key ${key} it is the same retry.`);
    expect(new Set(asked.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
  });

  test('a token that may not exits 4', async () => {
    const { fetch } = scriptedFetch({ status: 403, body: problemOf('not-allowed', 'this needs a token with the scope runs:write') });
    expect((await terminal({ fetch })('run', 'retry', 'run_1', '--failed')).code).toBe(4);
  });
});

describe('run clone', () => {
  let old: string;
  let directory: string;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-clone-'));
    old = await running.ended('--set', '-p', 'CITY=Oslo', '--set', '-p', 'CITY=Bergen', '-p', 'FAIL=no', '--user-id', 'grace');
  });
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });
  const clone = (name: string, ...words: readonly string[]): Promise<Printed> => run('clone', old, '--user-run-id', name, ...words);
  const citiesOf = async (id: string): Promise<readonly unknown[]> => {
    const { items } = (await running.service.request<{ items: readonly JobView[] }>('GET', `/v1/runs/${id}/jobs?include=parameters`)).body;
    return items.map(({ parameters }) => parameters?.['CITY']?.value);
  };

  test('is a new run of the same sets for the same user, which says what it is a clone of', async () => {
    const { code, stdout } = await clone('all', '--wait');
    expect(code).toBe(1);
    expect(stdout).toMatch(new RegExp(`^ {2}clone of {2}${old}$`, 'm'));
    expect(stdout).toMatch(/^ {2}user run {2}all of grace$/m);
    expect(stdout).not.toContain(`${old} `);
  });

  test('under the same name is the same run', async () => {
    const first = await clone('twice');
    expect(first.stdout).toMatch(/^run_\S+\n$/);
    expect((await clone('twice')).stdout).toBe(first.stdout);
    expect((await clone('twice', '--failed')).code).toBe(2);
  });

  test('takes the failed sets, other sets, or those that have not succeeded since a time', async () => {
    expect(await citiesOf((await clone('failed', '--failed')).stdout.trim())).toEqual(['Bergen']);
    expect(await citiesOf((await clone('by-reason', '--reason', 'engine-error')).stdout.trim())).toEqual(['Bergen']);
    const file = join(directory, 'sets.csv');
    writeFileSync(file, 'CITY\nLima\nQuito\n');
    expect(await citiesOf((await clone('edited', '--params-file', file, '-p', 'CITY=La Paz')).stdout.trim())).toEqual([
      'Lima',
      'Quito',
      'La Paz',
    ]);
    const skipping = await clone('skipping', '--skip-succeeded-since', '2026-01-01T00:00:00Z');
    expect(await citiesOf(skipping.stdout.trim())).toEqual(['Bergen']);
  });

  test('keeps the version of the template that the old run had, or takes the newest', async () => {
    const { body: template } = await running.service.request<object>('GET', '/v1/templates/tmpl_sleep');
    const { name: _, version: _v, 'created-at': _at, 'template-id': _id, ...rest } = template as Record<string, unknown>;
    await running.service.request('PUT', '/v1/templates/tmpl_sleep', { ...rest, name: 'Sleep again' });
    const versionOf = async (id: string): Promise<number> => (await viewed(id))['template-version'];
    expect(await versionOf((await clone('same')).stdout.trim())).toBe(1);
    expect(await versionOf((await clone('current', '--template-version', 'current')).stdout.trim())).toBe(2);
  });
});

test('run list --quiet prints the ids alone, as other commands take them', async () => {
  const id = await running.ended('--set', '--user-run-id', 'by id alone');
  expect(await run('list', '--user-run-id', 'by id alone', '-q')).toEqual({ code: 0, stdout: `${id}\n`, stderr: '' });
});
