import { afterAll, beforeAll, expect, test } from 'vitest';
import { problemOf } from '#contract/problems';
import { scriptedFetch, type ScriptedFetch } from '#test/client/scripted-fetch';
import { startSleepService, type SleepService } from './sleep-service.ts';
import { terminal } from './terminal.ts';

let running: SleepService;

beforeAll(async () => {
  running = await startSleepService();
});
afterAll(() => running.service.close());

const SINCE = '2026-07-14T08:00:00.000Z';
const FINDINGS = [
  { kind: 'watch-overdue', 'run-id': 'run_1', since: SINCE, detail: 'run_1 was to be looked at', repair: 'start the watch loop anew' },
  { kind: 'slots-not-returned', 'run-id': 'run_2', since: SINCE, detail: 'run_2 holds 3 slots', repair: 'give the slots back' },
];
const swept = (outcomes: readonly object[] = [{}, {}]): ScriptedFetch => {
  const findings = FINDINGS.map((finding, place) => ({ ...finding, ...outcomes[place] }));
  return scriptedFetch({ status: 200, body: { 'open-runs': 1200, 'running-executions': 4, findings } });
};

test.each([[[]], [['check']], [['--repair']]])(
  'doctor %j of a service in which nothing is amiss says so on stderr, and exits 0',
  async (words) => {
    const { code, stdout, stderr } = await running.sluice('doctor', ...words);
    expect([code, stdout]).toEqual([0, '']);
    expect(stderr).toMatch(/^\d+ open runs and \d+ running executions compared: nothing is amiss\.\n$/);
  },
);

test('what is found is a row each, with what would mend it; that is left to do, hence exit 1', async () => {
  const { fetch, asked } = swept();
  const { code, stdout, stderr } = await terminal({ fetch })('doctor');
  expect(code).toBe(1);
  expect(stdout).toBe(`FINDING             SINCE                     WHAT                       REPAIR
watch-overdue       ${SINCE}  run_1 was to be looked at  start the watch loop anew
slots-not-returned  ${SINCE}  run_2 holds 3 slots        give the slots back
`);
  expect(stderr).toBe('1,200 open runs and 4 running executions compared: 2 found.\n');
  expect(asked.map(({ method, url }) => [method, new URL(url).pathname])).toEqual([['GET', '/v1/sweep']]);
});

test('what is repaired is told as that, and exits 0', async () => {
  const { fetch, asked } = swept([{ outcome: 'repaired' }, { outcome: 'repaired' }]);
  const { code, stdout, stderr } = await terminal({ fetch })('doctor', '--repair');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^watch-overdue .* start the watch loop anew {2}repaired$/m);
  expect(stderr).toContain(': 2 found, 2 repaired.\n');
  expect(asked.map(({ method }) => method)).toEqual(['POST']);
});

test('a repair that failed is told with why, and exits 1', async () => {
  const { fetch } = swept([{ outcome: 'failed', message: 'no more\nexecutions' }, { outcome: 'repaired' }]);
  const { code, stdout, stderr } = await terminal({ fetch })('doctor', '--repair');
  expect(code).toBe(1);
  expect(stdout).toMatch(/^watch-overdue .* failed: no more executions$/m);
  expect(stderr).toContain(': 2 found, 1 repaired.\n');
});

test('--json prints what the API answers, and exits as the table does', async () => {
  const { code, stdout } = await terminal({ fetch: swept().fetch })('doctor', '--json', 'findings');
  expect([code, JSON.parse(stdout)]).toEqual([1, { findings: FINDINGS }]);
});

test('a token that may not repair exits 4', async () => {
  const { fetch } = scriptedFetch({ status: 403, body: problemOf('not-allowed', 'this needs a token with the scope admin') });
  const { code, stderr } = await terminal({ fetch })('doctor', '--repair');
  expect(code).toBe(4);
  expect(stderr).toMatch(/^sluice: nothing was compared\.\nWhy: .*scope admin/);
});
