import { afterAll, beforeAll, expect, test } from 'vitest';
import type { JobComparison, JobView } from '#contract/views';
import { startSleepService, type SleepService } from './sleep-service.ts';
import type { Printed } from './terminal.ts';

let running: SleepService;
let good: string;
let bad: string;

const jobOf = (run: string): string => `${run.replace('run_', 'job_')}_00000`;
const job = (...words: readonly string[]): Promise<Printed> => running.sluice('job', ...words);
const json = async <Body>(...words: readonly string[]): Promise<Body> => JSON.parse((await job(...words, '--json')).stdout) as Body;
/** The rows of a table, cells parted by two blanks or more. */
const rows = (text: string): readonly (readonly string[])[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));

beforeAll(async () => {
  running = await startSleepService();
  good = jobOf(await running.ended('-p', 'CITY=Kyiv', '-p', 'ZIP="02134"', '-p', 'SIZE=5'));
  bad = jobOf(await running.ended('-p', 'CITY=Kyiv', '-p', 'SIZE="5"', '-p', 'OUTPUT=3', '-p', 'FAIL=disk full\nnothing left'));
});
afterAll(() => running.service.close());

test('a view of a finished job has its state, what it counted, its job on the engine and where to read on', async () => {
  const { code, stdout } = await job('view', good);
  expect(code).toBe(0);
  const { links, metrics } = await json<JobView>('view', good);
  expect(stdout).toMatch(new RegExp(`^${good} FINISHED\n {2}run {7}run_\\w+, set 0\n {2}set key {3}[0-9a-f]{32}\n {2}attempt {3}1\n`));
  expect(stdout).toMatch(/^ {2}records {3}100 in, 7 out, 0 in error$/m);
  expect(stdout).toMatch(/^ {2}engine {4}job \S+, on sleep$/m);
  expect(stdout).toContain(`finished  ${metrics?.['finished-at'] ?? ''} (0.00 s)\n`);
  for (const path of Object.values(links)) expect(stdout).toContain(` ${path}\n`);
});

test('a view of a failed job says why it failed, all of it', async () => {
  const { code, stdout } = await job('view', bad);
  expect(code).toBe(0);
  expect(stdout).toContain(`${bad} FAILED\n`);
  expect(stdout).toContain('\n  failure   engine-error: disk full\n            nothing left\n');
});

test('a history has a row for each event, in their order, from the state before to the state after', async () => {
  const [head, ...events] = rows((await job('history', bad)).stdout);
  expect(head).toEqual(['SEQ', 'TIME', 'EVENT', 'FROM → TO', 'ATTEMPT', 'ACTOR', 'DATA']);
  expect(events[0]?.slice(3, 4)).toEqual(['create']);
  const changes = events.map((cells) => cells.find((cell) => cell.includes('→')));
  expect(changes.at(0)).toBe('→ CREATED');
  expect(changes.at(-1)).toMatch(/^(CREATED|RUNNING) → FAILED$/);
  expect(events.at(-1)?.at(-1)).toContain('disk full');
});

test('a history shows as many events as asked for, and says that there are more', async () => {
  const { stdout, stderr } = await job('history', bad, '--limit', '1', '--json', 'sequence,name');
  expect(JSON.parse(stdout)).toEqual([{ sequence: 1, name: 'create' }]);
  expect(stderr).toContain('Shown: the oldest 1; --limit shows more.');
});

test('a parameter is shown with its value as -p takes it, its origin, and what it replaced', async () => {
  const [head, ...shown] = rows((await job('params', bad)).stdout);
  expect(head).toEqual(['KEY', 'VALUE', 'ORIGIN', 'REPLACED']);
  expect(shown.toSorted()).toEqual([
    ['CITY', 'Kyiv', 'caller'],
    ['FAIL', String.raw`"disk full\nnothing left"`, 'caller'],
    ['LOADED_BY', 'sluice', 'target-parameters'],
    ['OUTPUT', '3', 'caller', '7 of target-parameters'],
    ['SECONDS', '0', 'schema-default'],
    ['SIZE', '"5"', 'caller'],
  ]);
});

test('parameters as JSON are those of the API', async () => {
  const { parameters } = await json<JobView>('view', good);
  expect(await json('params', good)).toEqual({ 'job-id': good, parameters });
  expect(parameters?.['ZIP']).toEqual({ value: '02134', origin: 'caller' });
});

test('--diff names the last success of the set, and every key that differs with both sides', async () => {
  const { code, stdout } = await job('params', bad, '--diff');
  expect(code).toBe(0);
  expect(stdout).toMatch(new RegExp(`^Compared with ${good}, the last success of this set \\(.+Z\\)\\.\n\n`));
  expect(rows(stdout.split('\n\n')[1] ?? '')).toEqual([
    ['KEY', 'BEFORE', 'AFTER'],
    ['FAIL', String.raw`"disk full\nnothing left"`],
    ['OUTPUT', '7', '3'],
    ['SIZE', '5', '"5"'],
    ['ZIP', '02134'],
  ]);
  const { 'compared-with': success, differences } = await json<JobComparison>('params', bad, '--diff');
  expect(success?.['job-id']).toBe(good);
  expect(differences.find(({ key }) => key === 'ZIP')).toEqual({ key: 'ZIP', before: '02134' });
});

test('--diff of a set that never succeeded before says so, with nothing on stdout', async () => {
  expect(await job('params', good, '--diff')).toMatchObject({
    code: 0,
    stdout: '',
    stderr: expect.stringContaining('No earlier success') as string,
  });
  expect(await json('params', good, '--diff')).toEqual({ 'job-id': good, 'compared-with': null, differences: [] });
});

test('--diff of a job that was given the same says that too', async () => {
  const again = jobOf(await running.ended('-p', 'CITY=Lagos'));
  const same = jobOf(await running.ended('-p', 'CITY=Lagos'));
  const { stdout } = await job('params', same, '--diff');
  expect(stdout).toContain(`Compared with ${again}, `);
  expect(stdout).toContain('\nEvery parameter is the same.\n');
});

test.each([
  [['--json=differences'], '--json without --diff knows no field "differences"; it has job-id, parameters'],
  [['--diff', '--json=parameters'], '--json with --diff knows no field "parameters"; it has job-id, compared-with, differences'],
])("%j asks for what the other form has: the user's mistake", async (words, message) => {
  const { code, stdout, stderr } = await job('params', bad, ...words);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain(message);
});

test.each([['view'], ['history'], ['params'], ['params', '--diff']])('job %s of a job that is not there exits 2', async (...words) => {
  const { code, stdout, stderr } = await job(...words, 'job_01K8ZC0ED8QZV7N5T9X1M3B2AR_00000');
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain('there is no job job_01K8ZC0ED8QZV7N5T9X1M3B2AR_00000');
});
