import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunView } from '#contract/views';
import { scriptedFetch } from '#test/client/scripted-fetch';
import { startSleepService, type SleepService } from './sleep-service.ts';
import { terminal } from './terminal.ts';

let running: SleepService;
/** By the names that the runs were started under. */
const ids: Record<string, string> = {};
let between: string;

beforeAll(async () => {
  running = await startSleepService();
  ids['first'] = await running.ended('-p', 'CITY=Kyiv', '--user-run-id', 'first', '--user-id', 'bob');
  await new Promise((resolve) => setTimeout(resolve, 5));
  between = new Date().toISOString();
  ids['failed'] = await running.ended('-p', 'CITY=Kyiv', '-p', 'FAIL=disk full', '--user-run-id', 'failed');
  ids['sets'] = await running.ended('--set', '-p', 'CITY=London', '--set', '-p', 'CITY=São Paulo', '--user-run-id', 'sets');
  const other = ['run', 'start', '-s', 'time', '-t', 'little', '--set', '--user-run-id', 'other', '--wait'];
  const { stdout } = await running.sluice(...other, '--json', 'run-id');
  ids['other'] = (JSON.parse(stdout) as RunView)['run-id'];
});
afterAll(() => running.service.close());

test.each<[string, readonly string[], readonly string[]]>([
  ['nothing', [], ['other', 'sets', 'failed', 'first']],
  ['a user', ['--user-id', 'bob'], ['first']],
  ['a name', ['--user-run-id', 'sets'], ['sets']],
  ['a template', ['--template-id', 'tmpl_doze'], ['other']],
  ['a state', ['--state', 'FAILED'], ['failed']],
  ['a state in lower case', ['--state', 'failed'], ['failed']],
  ['a value of a parameter', ['--parameter', 'CITY=Kyiv'], ['failed', 'first']],
  ['a value of a parameter in any of the sets', ['--parameter', 'CITY=São Paulo'], ['sets']],
  ['a value that no run has', ['--parameter', 'CITY=Lagos'], []],
  ['two filters', ['--parameter', 'CITY=Kyiv', '--state', 'succeeded'], ['first']],
  ['a limit', ['--limit', '1'], ['other']],
])('a list by %s has the runs that fit, the newest first', async (_, words, names) => {
  const { code, stdout } = await running.sluice('run', 'list', ...words, '--json', 'run-id');
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual(names.map((name) => ({ 'run-id': ids[name] })));
});

test('a time parts the runs: those before it and those from it on', async () => {
  const before = await running.sluice('run', 'list', '--before', between, '--json', 'user-run-id');
  expect(JSON.parse(before.stdout)).toEqual([{ 'user-run-id': 'first' }]);
  const from = await running.sluice('run', 'list', '--from', between, '--json', 'user-run-id');
  expect(JSON.parse(from.stdout)).toEqual(['other', 'sets', 'failed'].map((name) => ({ 'user-run-id': name })));
});

test("a time without a zone is the user's mistake, and is named", async () => {
  const { code, stdout, stderr } = await running.sluice('run', 'list', '--from', '2026-11-21T08:00:00');
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toContain('\n  from: must be a time in ISO 8601 with its zone');
});

test('a list that is empty has nothing on stdout', async () => {
  expect(await running.sluice('run', 'list', '--state', 'cancelled')).toEqual({ code: 0, stdout: '', stderr: 'No runs.\n' });
});

test.each([
  [['--state', 'asleep'], '--state knows no "asleep"; it takes accepted, running, cancelling, succeeded'],
  [['--parameter', 'CITY'], '--parameter CITY is not KEY=VALUE'],
  [['--parameter', '=Kyiv'], '--parameter =Kyiv is not KEY=VALUE'],
])("%j is the user's mistake: nothing is sent", async (words, message) => {
  const { fetch, asked } = scriptedFetch();
  const { code, stdout, stderr } = await terminal({ fetch })('run', 'list', ...words);
  expect([code, stdout, asked.length]).toEqual([2, '', 0]);
  expect(stderr).toContain(message);
});
