import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { JobOutputView } from '#contract/job-archives';
import type { JobRegistered } from '#contract/job-views';
import { drivenPace, refused, scriptedFetch } from '#test/client/scripted-fetch';
import { startService, type Service } from '#test/support/service';
import { terminal, terminalOf, type Printed } from './terminal.ts';

let service: Service;
let folder: string;

beforeAll(async () => {
  service = await startService();
  folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'));
});
afterAll(async () => {
  await service.close();
  rmSync(folder, { recursive: true, force: true });
});

const job = (...words: readonly string[]): Promise<Printed> => terminalOf(service)('job', ...words);
/** By somebody who has the job's token, and no other. */
const holding = (token: string, ...words: readonly string[]): Promise<Printed> =>
  terminal({ environment: { SLUICE_URL: service.host.url, SLUICE_JOB_TOKEN: token } })('job', ...words);

let samples = 0;

async function registered(...words: readonly string[]): Promise<{ readonly id: string; readonly token: string }> {
  const data = JSON.stringify({ sample: (samples += 1) });
  const { code, stdout } = await job('register', 'align', '--data', data, ...words);
  expect(code).toBe(0);
  const [id = '', token = ''] = stdout.split('\n');
  return { id, token };
}

describe('job register', () => {
  test('prints the id and the token, which is printed once: the same content is the same job', async () => {
    const { code, stdout, stderr } = await job('register', 'align', '-d', '{"sample":"a"}');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^107[0-9a-f-]{33}\nslj_\S+\n$/)]);
    const [id = '', token = ''] = stdout.split('\n');
    expect(stderr).toMatch(/^107\S+ is registered; its token holds until \S+Z\. Its archive is \/products\/v2\/\S+\.\n$/);
    expect(stderr).not.toContain(token);
    const again = await job('register', 'align', '-d', '{"sample":"a"}');
    expect([again.code, again.stdout]).toEqual([0, `${id}\n`]);
    expect(again.stderr).toBe(
      `${id} was registered before and is CREATED; its token is not shown again (another one: sluice job token ${id}).\n`,
    );
  });

  test('of the same content with other limits names them, and how to change them while that can be done', async () => {
    const { id } = await registered('--deadline', '2100-01-01T00:00:00Z');
    const words = [
      'register',
      'align',
      '-d',
      JSON.stringify({ sample: samples }),
      '--deadline',
      '2101-01-01T00:00:00Z',
      '--archive-prefix',
      '/x',
    ];
    const again = await job(...words);
    expect([again.code, again.stdout]).toEqual([0, `${id}\n`]);
    expect(again.stderr.split('\n')[1]).toBe(
      `Not taken over, because it was registered otherwise: archive-prefix, deadline. To change that: sluice job cancel ${id}, and register it again.`,
    );
    const { stdout } = await job(...words, '--json', 'not-taken-over,attached');
    expect(JSON.parse(stdout)).toEqual({ 'not-taken-over': ['archive-prefix', 'deadline'], attached: true });
    await job('event', id, 'run');
    expect((await job(...words)).stderr).toContain(`archive-prefix, deadline. What it has: sluice job view ${id}\n`);
  });

  test('with --token-file keeps the token where its owner alone can read it, and prints the id', async () => {
    const file = join(folder, 's.token');
    const { id, token } = await registered('--token-file', file);
    expect(token).toBe('');
    expect(readFileSync(file, 'utf8')).toMatch(/^slj_\S+\n$/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect((await job('event', id, 'run', '--token-file', file)).stdout).toBe('RUNNING\n');
  });

  test('whose token cannot be kept says so, and how to have another one', async () => {
    const { code, stdout, stderr } = await job('register', 'align', '-d', '{"sample":"lost"}', '--token-file', join(folder, 'no', 'such'));
    const id = stdout.trim();
    expect(code).toBe(2);
    expect(stderr).toMatch(new RegExp(`^sluice: the token of ${id} was lost\\.\nWhy: ENOENT.*\nNext: sluice job token ${id} issues`, 'm'));
  });

  test('takes what the API takes, the data from a file, and answers in JSON', async () => {
    const file = join(folder, 'data.json');
    writeFileSync(file, '{"sample":"file"}');
    const words = ['--parent', '107c0b51-5c0e-5b7c-9d5e-0a4f3b6d2e11', '--archive-pattern', '\\.csv$', '--archive-pattern', '\\.tsv$'];
    const limits = ['--expect-update-within-seconds', '600', '--deadline', '2100-01-01T00:00:00Z'];
    const { stdout } = await job('register', 'align', '-d', `@${file}`, ...words, ...limits, '--json');
    expect(JSON.parse(stdout) as JobRegistered).toMatchObject({
      pipeline: 'align',
      data: { sample: 'file' },
      parents: ['107c0b51-5c0e-5b7c-9d5e-0a4f3b6d2e11'],
      'archive-patterns': ['\\.csv$', '\\.tsv$'],
      'expect-update-within-seconds': 600,
      deadline: '2100-01-01T00:00:00.000Z',
      token: expect.stringMatching(/^slj_/) as string,
    });
  });
});

describe('job list', () => {
  test('has the newest first, by pipeline, parent and state, as a table, as ids or as JSON', async () => {
    const made: string[] = [];
    for (const name of ['one', 'two', 'three']) {
      const { stdout } = await job(
        'register',
        'sorted',
        '-d',
        JSON.stringify({ name }),
        ...(made[0] ? ['--parent', made[0]] : []),
        '--json',
      );
      made.push((JSON.parse(stdout) as JobRegistered)['job-id']);
    }
    const [one = '', two = '', three = ''] = made;
    await job('event', two, 'run');
    await job('event', two, 'fail', '-d', '{"message":"no disk"}');
    const ids = async (...words: readonly string[]): Promise<readonly string[]> =>
      (await job('list', '--pipeline', 'sorted', '-q', ...words)).stdout.split('\n').slice(0, -1);
    expect(await ids()).toEqual([three, two, one]);
    expect(await ids('--state', 'created')).toEqual([three, one]);
    expect(await ids('--state', 'FAILED')).toEqual([two]);
    expect(await ids('--parent', one)).toEqual([three, two]);
    expect(await ids('--parent', one, '--state', 'created')).toEqual([three]);
    const { stdout, stderr } = await job('list', '--pipeline', 'sorted', '--limit', '2');
    const [head, first, second, ...more] = stdout.trimEnd().split('\n');
    expect(head).toMatch(/^JOB +STATE +PIPELINE +ATTEMPT +LAST EVENT +UPDATED +FAILURE$/);
    expect([first, second]).toEqual([
      expect.stringMatching(new RegExp(`^${three} +CREATED +sorted +1 +create +\\S+Z`)),
      expect.stringMatching(new RegExp(`^${two} +FAILED +sorted +1 +fail +\\S+Z +reported: no disk$`)),
    ]);
    expect([more, stderr]).toEqual([[], 'Shown: the newest 2; --limit shows more.\n']);
    const json = await job('list', '--pipeline', 'sorted', '--state', 'failed', '--json', 'job-id,state');
    expect(JSON.parse(json.stdout)).toEqual([{ 'job-id': two, state: 'FAILED' }]);
  });

  test('of none that fits says so; a state that there is not, and two forms at once, are the user’s mistake', async () => {
    expect(await job('list', '--pipeline', 'nothing of that name')).toEqual({ code: 0, stdout: '', stderr: 'No job fits.\n' });
    const wrong = await job('list', '--state', 'lost');
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('--state knows no "lost"; it takes created, running')]);
    expect((await job('list', '-q', '--json')).code).toBe(2);
  });
});

describe('job event', () => {
  test('prints the state that it led to, by the token of the job alone as by the API token', async () => {
    const { id, token } = await registered();
    expect(await holding(token, 'event', id, 'run')).toEqual({ code: 0, stdout: 'RUNNING\n', stderr: '' });
    expect(await job('event', id, 'UPDATE', '--data', '{"step":"aligned"}')).toMatchObject({ code: 0, stdout: 'RUNNING\n' });
    const { stdout } = await holding(token, 'event', id, 'finish', '--json', 'name,sequence');
    expect(JSON.parse(stdout)).toEqual({ name: 'finish', sequence: 4 });
    const history = (await job('history', id)).stdout.split('\n');
    expect(history[2]).toMatch(/ run +CREATED → RUNNING .*job/);
    expect(history[3]).toContain('{"step":"aligned"}');
  });

  test('that is refused exits 2, with the events that are allowed; the history shows it as refused', async () => {
    const { id } = await registered();
    const { code, stdout, stderr } = await job('event', id, 'finish');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(
      /^sluice: the event was not applied\.\nWhy: The state of the job does not allow this event; .*allowed now: .*run/,
    );
    expect((await job('history', id)).stdout).toMatch(/finish +CREATED refused it/);
  });

  test('of another job’s token, of one that is none, and of one whose file is not there', async () => {
    const [mine, theirs] = [await registered(), await registered()];
    expect(await holding(theirs.token, 'event', mine.id, 'run')).toMatchObject({ code: 4, stdout: '' });
    expect((await holding('secret', 'event', mine.id, 'run')).stderr).toMatch(/Why: SLUICE_JOB_TOKEN holds no token of a job/);
    expect((await job('event', mine.id, 'run', '--token-file', join(folder, 'none'))).stderr).toMatch(/Why: ENOENT/);
    const both = await job('event', mine.id, 'run', '--token', 'slc_a.b', '--token-file', join(folder, 'none'));
    expect(both.stderr).toMatch(/--token-file and --token are two tokens/);
    expect((await job('view', mine.id)).stdout).toMatch(/ CREATED\n/);
  });

  test('of a job token sends that and not the API token; a file stands before the environment, and --token before it as well', async () => {
    const file = join(folder, 'file.token');
    writeFileSync(file, 'slj_file.x\n');
    const taken = { 'job-id': 'j', 'event-id': 'e', name: 'run', state: 'RUNNING', sequence: 2, at: '2026-11-21T08:00:00.000Z' };
    const { fetch, asked } = scriptedFetch({ status: 200, body: taken });
    const sluice = terminal({ fetch, environment: { SLUICE_TOKEN: 'slc_api.x', SLUICE_JOB_TOKEN: 'slj_env.x' } });
    await sluice('job', 'event', 'j', 'run');
    await sluice('job', 'event', 'j', 'run', '--token-file', file);
    await sluice('job', 'event', 'j', 'run', '--token', 'slc_flag.x');
    expect(asked.map(({ headers }) => headers['authorization'])).toEqual(
      ['slj_env.x', 'slj_file.x', 'slc_flag.x'].map((t) => `Bearer ${t}`),
    );
  });

  test('without an answer says that nobody knows, and sends the same id each time', async () => {
    const { fetch, asked } = scriptedFetch(refused());
    const { code, stderr } = await terminal({ fetch, pace: drivenPace() })('job', 'event', 'j', 'run', '--id', 'mine');
    expect(code).toBe(70);
    expect(stderr).toMatch(/^sluice: whether the event was applied is not known\.\n/);
    expect(stderr).toContain('The same id is applied once.');
    expect(asked.map(({ body }) => body)).toEqual(Array(4).fill({ name: 'run', id: 'mine' }));
  });

  test('of the same id is applied once', async () => {
    const { id } = await registered();
    const send = (): Promise<Printed> => job('event', id, 'run', '--id', 'once', '--json', 'sequence');
    expect([(await send()).stdout, (await send()).stdout].map((text) => JSON.parse(text) as unknown)).toEqual([
      { sequence: 2 },
      { sequence: 2 },
    ]);
  });
});

describe('job wait', () => {
  const after = async (...events: readonly string[]): Promise<string> => {
    const { id } = await registered();
    for (const event of events) expect((await job('event', id, event)).code).toBe(0);
    return id;
  };

  test.each([
    [['run', 'finish'], 0, 'FINISHED'],
    [['run', 'finish', 'validate', 'validated', 'finalize'], 0, 'FINALIZED'],
    [['run', 'fail'], 1, 'FAILED'],
    [['run', 'finish', 'validate', 'reject'], 1, 'REJECTED'],
    [['run', 'finish', 'retire'], 1, 'RETIRED'],
  ])('after %j exits %i', async (events, code, state) => {
    expect(await job('wait', await after(...events))).toMatchObject({ code, stdout: `${state}\n` });
  });

  test('of a withdrawn job exits 5', async () => {
    const id = await after();
    expect((await job('cancel', id)).stderr).toContain(`${id} is withdrawn. `);
    expect(await job('wait', id)).toMatchObject({ code: 5, stdout: 'CREATED\n' });
  });

  test('with --until exits 0 in that state, and 1 where it cannot come any more', async () => {
    const id = await after('run', 'finish', 'validate', 'validated');
    expect(await job('wait', id, '--until', 'validated')).toMatchObject({ code: 0, stdout: 'VALIDATED\n' });
    expect(await job('wait', await after('run', 'finish', 'retire'), '--until', 'finalized')).toMatchObject({
      code: 1,
      stdout: 'RETIRED\n',
    });
  });

  test('with the time over exits 3, and says how the job stands', async () => {
    const { id, token } = await registered();
    const { code, stdout, stderr } = await holding(token, 'wait', id, '--timeout-seconds', '1');
    expect([code, stdout]).toEqual([3, 'CREATED\n']);
    expect(stderr).toMatch(/^sluice: the wait timed out; the job goes on\.\nWhy: 107\S+ was CREATED after 1 second\n/);
  });

  test('tells of a failure why', async () => {
    const { id } = await registered();
    await job('event', id, 'fail', '-d', '{"message":"no disk"}');
    expect(await job('wait', id)).toEqual({ code: 1, stdout: 'FAILED\n', stderr: 'reported: no disk\n' });
  });
});

test('job index, outputs, reset and delete: what lies in the archive is listed, removed, and the job with it', async () => {
  const { stdout: printed } = await job('register', 'align', '-d', '{"sample":"z"}', '--archive-pattern', '\\.csv$', '--json');
  const { 'job-id': id, 'archive-path': path = '', token = '' } = JSON.parse(printed) as JobRegistered;
  const archive = join(service.dataDir, 'archives', path);
  mkdirSync(archive, { recursive: true });
  for (const name of ['a.csv', 'b.csv', 'log.txt']) writeFileSync(join(archive, name), 'a,b\n');
  for (const event of ['run', 'finish']) await job('event', id, event);
  expect((await job('outputs', id)).stderr).toBe(`The job is not indexed yet: sluice job index ${id}\n`);
  expect(await job('index', id)).toEqual({ code: 0, stdout: `${id}\n`, stderr: `${id} is FINISHED; 2 outputs of 8 bytes.\n` });
  const lines = (await job('outputs', id)).stdout.split('\n');
  expect(lines[0]).toMatch(/^KEY +BYTES +MODIFIED +CHECKSUM$/);
  expect(lines[1]).toMatch(/^a\.csv +4 +\S+Z +sha256:[0-9a-f]{64}$/);
  const one = await job('outputs', id, '--limit', '1', '--json', 'key');
  expect(JSON.parse(one.stdout) as readonly JobOutputView[]).toEqual([{ key: 'a.csv' }]);
  expect(one.stderr).toBe('Shown: the first 1; --limit shows more.\n');
  const indexed = await job('index', id, '--pattern', '^log', '--json', 'outputs');
  expect(JSON.parse(indexed.stdout)).toEqual({ outputs: 1 });
  expect((await job('delete', id)).code).toBe(0);
  const deleted = await job('delete', id);
  expect(deleted.stderr).toMatch(new RegExp(`^${id} is deleted; it will be gone at \\S+Z\\.\n$`));
  const { id: other } = await registered();
  await job('event', other, 'run');
  const atWork = await job('delete', other);
  expect([atWork.code, atWork.stdout]).toEqual([2, '']);
  expect(atWork.stderr).toContain('Next: end it first: sluice job event JOB fail');
  expect(existsSync(join(archive, 'a.csv'))).toBe(true);
  expect(token).toMatch(/^slj_/);
});

test('job reset empties the archive and ends the tokens; job token issues another one, narrowed where that is asked for', async () => {
  const { stdout: printed } = await job('register', 'align', '-d', '{"sample":"y"}', '--json');
  const { 'job-id': id, 'archive-path': path = '', token = '' } = JSON.parse(printed) as JobRegistered;
  const archive = join(service.dataDir, 'archives', path);
  mkdirSync(archive, { recursive: true });
  writeFileSync(join(archive, 'a.csv'), 'a\n');
  const { code, stdout, stderr } = await job('reset', id);
  expect([code, stdout]).toEqual([0, `${id}\n`]);
  expect(stderr).toBe(`${id} is CREATED again; 1 file was removed. Its tokens have ended: sluice job token ${id}\n`);
  expect(existsSync(join(archive, 'a.csv'))).toBe(false);
  expect((await holding(token, 'event', id, 'run')).code).toBe(4);
  const next = (await job('token', id, '--event', 'run,update')).stdout.trim();
  expect((await holding(next, 'event', id, 'run')).code).toBe(0);
  expect(await holding(next, 'event', id, 'finish')).toMatchObject({ code: 4, stdout: '' });
});

test('job view shows a reported job as what it is; what only a job of a run has is refused in words', async () => {
  const { id } = await registered('--expect-update-within-seconds', '600');
  await job('event', id, 'fail', '-d', '{"message":"no disk"}');
  const { stdout } = await job('view', id);
  expect(stdout).toMatch(new RegExp(`^${id} FAILED\n {2}pipeline {4}align \\(106\\S+\\)\n`));
  expect(stdout).toMatch(/^ {2}failure {5}reported: no disk$/m);
  expect(stdout).toMatch(/^ {2}limits {6}heard of every 600 s$/m);
  expect(JSON.parse((await job('view', id, '--json', 'kind,state')).stdout)).toEqual({ kind: 'reported', state: 'FAILED' });
  for (const words of [['params'], ['metrics'], ['set-history']]) {
    const printed = await job(...words, id);
    expect([words, printed.code, printed.stdout]).toEqual([words, 2, '']);
    expect(printed.stderr).toMatch(/Why: 107\S+ reports itself: .*\nNext: sluice job view 107/);
  }
});
