import { expect, test } from 'vitest';
import { problemOf } from '#contract/problems';
import { drivenPace, runBody, scriptedFetch } from '#test/client/scripted-fetch';
import { terminal } from './terminal.ts';

const answering = (state: string): ReturnType<typeof terminal> => {
  const { fetch } = scriptedFetch({ status: 200, body: { ...runBody(state), items: [] } });
  return terminal({ fetch });
};

test.each([
  [['--help']],
  [['run', '--help']],
  [['catalog', '-h']],
  [['run', 'start', '--help']],
  [['run', 'list', '--help']],
  [['run', 'watch', '--help']],
  [['run', 'plan', '--help']],
  [['run', 'cancel', '--help']],
  [['run', 'retry', '--help']],
  [['run', 'clone', '--help']],
  [['job', '--help']],
  [['job', 'view', '--help']],
  [['job', 'history', '--help']],
  [['job', 'params', '--help']],
  [['job', 'cancel', '--help']],
  [['job', 'set-history', '--help']],
  [['job', 'register', '--help']],
  [['job', 'token', '--help']],
  [['job', 'event', '--help']],
  [['job', 'wait', '--help']],
  [['job', 'index', '--help']],
  [['job', 'outputs', '--help']],
  [['job', 'reset', '--help']],
  [['job', 'delete', '--help']],
  [['doctor', '--help']],
  [['doctor', 'check', '-h']],
  [['doctor', 'help']],
  [['metrics', '--help']],
  [['metrics', 'list', '--help']],
  [['metrics', '--csv', '--help']],
  [['metrics', 'daily', '--help']],
  [['catalog', 'apply', '--help']],
  [['token', 'show', '-h']],
])('%j explains itself on stdout, with examples', async (words) => {
  const { code, stdout, stderr } = await terminal()(...words);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^Usage: sluice /m);
  expect(stdout).toMatch(/^Examples:\n {2}\S/m);
});

test.each([
  [[], /^Starts parameterised jobs/],
  [['run'], /^Usage: sluice run/],
  [['fly'], /there is no "fly"/],
  [['run', 'fly'], /there is no "run fly"/],
  [['--url', 'x', 'run', 'list'], /a group and a command come first/],
  [['run', 'list', '--fly'], /--fly/],
  [['run', 'list', 'word'], /"word" is one word too many/],
  [['run', 'view'], /RUN is missing/],
  [['run', 'list', '--limit', '0'], /--limit must be a whole number of at least 1/],
  [['run', 'list', '--limit', '5', '-L', '6'], /--limit is given twice/],
  [['run', 'list', '--url', 'ftp://x'], /no http\(s\) address/],
  [['run', 'list', '--json=fly'], /--json knows no field "fly"; it has run-id, state/],
  [['run', 'list', '--json', 'state,fly'], /--json knows no field "fly"; it has run-id, state/],
  [['run', 'view', 'run_1', '--json', 'fly'], /--json knows no field "fly"; it has run-id, state/],
  [['run', 'view', '--json', 'fly', 'run_1'], /--json knows no field "fly"; it has run-id, state/],
  [['run', 'view', 'run_1', 'run_2', '--json=state'], /"run_2" is one word too many/],
  [['run', 'start', '-t', 'b', '-p', 'A=1'], /--source-type is missing/],
  [['run', 'start', '-s', 'a', '-t', 'b'], /no parameter set is given/],
  [['run', 'start', '-s', 'a', '-t', 'b', '--set', '--timeout-seconds', '5'], /--timeout-seconds is for --wait/],
  [['run', 'plan', '-s', 'a', '-t', 'b'], /no parameter set is given/],
  [['run', 'plan', '-s', 'a', '-t', 'b', '--set', '-q', '--json'], /--quiet and --json are two forms of the same/],
  [['run', 'start', '-s', 'a', '-t', 'b', '--set', '--plan-hash', '0'.repeat(64)], /--plan-hash needs --user-run-id/],
  [['run', 'list', '-q', '--json'], /--quiet and --json are two forms of the same/],
  [['run', 'cancel'], /RUN is missing/],
  [['run', 'cancel', 'run_1', '--timeout-seconds', '5'], /--timeout-seconds is for --wait/],
  [['run', 'retry', 'run_1'], /which jobs is not said/],
  [['run', 'retry', 'run_1', '--reason', 'tired'], /--reason knows no "tired"; it takes start-failed, engine-error, timed-out/],
  [['run', 'retry', 'run_1', '--index', '-1'], /--index/],
  [['run', 'retry', 'run_1', '--index', 'one'], /--index must be the place of a set, counted from 0, not "one"/],
  [['run', 'retry', 'run_1', '--failed', '--timeout-seconds', '5'], /--timeout-seconds is for --wait/],
  [['run', 'clone', 'run_1'], /--user-run-id is missing/],
  [['run', 'clone', 'run_1', '--user-run-id', 'c', '--failed', '--set'], /sets are given, and some of the old run are selected as well/],
  [['run', 'clone', 'run_1', '--user-run-id', 'c', '--template-version', '3'], /--template-version is same or current, not "3"/],
  [['run', 'clone', 'run_1', '--user-run-id', 'c', '--params-file', 'no/such.json'], /ENOENT/],
  [['job', 'cancel'], /JOB is missing/],
  [['job', 'register'], /PIPELINE is missing/],
  [['job', 'register', 'p', '--data', '[1]'], /--data must be a JSON object/],
  [['job', 'register', 'p', '--data', '{'], /--data must be a JSON object/],
  [['job', 'register', 'p', '--data', '@no/such.json'], /ENOENT/],
  [
    ['run', 'start', '-s', 'a', '-t', 'b', '-p', 'A=1', '--user-run-id', 'r', '--plan-hash', '123'],
    /--plan-hash must be 64 hexadecimal digits/,
  ],
  [['job', 'register', 'p', '--data', '{"A":1,"A":2}'], /--data: \/A stands more than once/],
  [['job', 'register', 'p', '--expect-update-within-seconds', '0'], /at least 1/],
  [['job', 'token', 'j', '--event', 'fly'], /--event knows no "fly"; it takes create, run, /],
  [['job', 'event', 'j'], /EVENT is missing/],
  [['job', 'event', 'j', 'fly'], /there is no event "fly"; there are create, run, /],
  [['job', 'wait', 'j', '--until', 'done'], /--until knows no "done"; it takes created, running, /],
  [['doctor', 'fly'], /"fly" is one word too many/],
  [['metrics'], /^Usage: sluice metrics/],
  [['catalog', 'apply', 'no/such/directory'], /ENOENT/],
])("%j is the user's mistake: exit 2, nothing on stdout, nothing sent", async (words, message) => {
  const { fetch, asked } = scriptedFetch();
  const { code, stdout, stderr } = await terminal({ fetch })(...words);
  expect([code, stdout, asked.length]).toEqual([2, '', 0]);
  expect(stderr).toMatch(message);
});

test('an error has three lines: what happened, why, what to do next', async () => {
  const { stderr } = await terminal()('run', 'view');
  expect(stderr).toBe('sluice: the run cannot be shown.\nWhy: RUN is missing\nNext: sluice run view --help explains the command.\n');
});

test.each([
  ['SUCCEEDED', 0],
  ['PARTIAL', 1],
  ['FAILED', 1],
  ['CANCELLED', 5],
  ['RUNNING', 0],
])('run view --exit-status of a %s run exits %i', async (state, code) => {
  expect((await answering(state)('run', 'view', 'run_1', '--exit-status')).code).toBe(code);
  expect((await answering(state)('run', 'view', 'run_1')).code).toBe(0);
});

test.each([
  [401, 'not-authenticated', 4],
  [403, 'not-allowed', 4],
  [404, 'not-found', 2],
  [422, 'key-reused', 2],
  [500, 'fault', 70],
] as const)('an answer %i (%s) exits %i', async (status, slug, code) => {
  const { fetch } = scriptedFetch({ status, body: problemOf(slug, 'because') });
  const printed = await terminal({ fetch })('run', 'view', 'run_1');
  expect(printed.code).toBe(code);
  expect(printed.stderr).toMatch(/^sluice: the run cannot be shown\.\nWhy: .*; because\nNext: .+\n$/);
});

test('the token of a local service is not sent to another machine', async () => {
  const { fetch, asked } = scriptedFetch({ status: 200, body: { items: [] } });
  const elsewhere = terminal({ fetch, environment: { SLUICE_URL: 'https://sluice.example.org' } });
  await elsewhere('run', 'list');
  await elsewhere('run', 'list', '--token', 'slc_given.secret');
  expect(asked.map(({ headers }) => headers['authorization'])).toEqual([undefined, 'Bearer slc_given.secret']);
});

test('--json takes its fields from the next word only where that word is fields', async () => {
  const view = answering('SUCCEEDED');
  expect(JSON.parse((await view('run', 'view', '--json', 'state,jobs', 'run_1')).stdout)).toEqual({
    state: 'SUCCEEDED',
    jobs: { total: 2, finished: 2, failed: 0, cancelled: 0, open: 0 },
  });
  const all = JSON.parse((await view('run', 'view', '--json', 'run_1')).stdout) as object;
  expect(Object.keys(all)).toContain('job-list');
  expect(Object.keys(all)).toContain('user-run-id');
});

test('a service that goes away while somebody waits is told as that, not as a run that was not started', async () => {
  const started = { status: 'OK', 'run-id': 'run_1', state: 'ACCEPTED', 'user-run-id': 'r', 'job-ids': ['job_1_00000'], links: {} };
  const { fetch } = scriptedFetch({ status: 202, body: started }, { status: 502, text: 'Bad Gateway' });
  const { code, stderr } = await terminal({ fetch, pace: drivenPace() })('run', 'start', '-s', 'a', '-t', 'b', '--set', '--wait');
  expect(code).toBe(70);
  expect(stderr).toContain('sluice: the wait broke off; run_1 goes on.\n');
});
