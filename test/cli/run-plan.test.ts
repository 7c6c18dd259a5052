import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PlanView } from '#contract/plan-view';
import type { RunView } from '#contract/views';
import { startSleepService, type SleepService } from './sleep-service.ts';
import type { Printed } from './terminal.ts';

let running: SleepService;

beforeAll(async () => {
  running = await startSleepService();
});
afterAll(() => running.service.close());

const PAIR = ['-s', 'time', '-t', 'nothing'];
const plan = (...words: readonly string[]): Promise<Printed> => running.sluice('run', 'plan', ...PAIR, ...words);
const planned = async (...words: readonly string[]): Promise<PlanView> => JSON.parse((await plan(...words, '--json')).stdout) as PlanView;
const runsNamed = async (name: string): Promise<readonly RunView[]> =>
  JSON.parse((await running.sluice('run', 'list', '--user-run-id', name, '--json')).stdout) as RunView[];

describe('run plan', () => {
  test('shows the template, the hash, and each set with its key and where each value came from; nothing is started', async () => {
    const words = ['--user-run-id', 'shown', '--set', '-p', 'CITY=Kyiv', '--set', '-p', 'CITY=Lagos', '-p', 'OUTPUT=3'];
    const { code, stdout } = await plan(...words);
    const { 'plan-hash': hash, sets } = await planned(...words);
    expect(code).toBe(0);
    expect(stdout).toBe(`shown of ada: 2 jobs
  pattern    time to nothing
  template   tmpl_sleep version 1, on sleep
  expected   not known: too few jobs of the template have ended
  plan hash  ${hash}

set 0, key ${sets[0]?.['set-key'] ?? ''}
KEY        VALUE   ORIGIN             REPLACED
SECONDS    0       schema-default
LOADED_BY  sluice  target-parameters
OUTPUT     7       target-parameters
CITY       Kyiv    caller

set 1, key ${sets[1]?.['set-key'] ?? ''}
KEY        VALUE   ORIGIN             REPLACED
SECONDS    0       schema-default
LOADED_BY  sluice  target-parameters
OUTPUT     3       caller             7 of target-parameters
CITY       Lagos   caller
`);
    expect(await runsNamed('shown')).toEqual([]);
  });

  test('shows as many sets as are wanted and says that there are more', async () => {
    const { stdout, stderr } = await plan('--user-run-id', 'many', '--set', '--set', '--set', '--limit', '2');
    expect([...stdout.matchAll(/^set (\d), key [0-9a-f]{32}$/gm)].map(([, place]) => place)).toEqual(['0', '1']);
    expect(stderr).toBe('Shown: the first 2 of 3 sets; --limit shows more.\n');
  });

  test('with --quiet prints the hash alone, and with --json the plan, of it what is named', async () => {
    const words = ['--user-run-id', 'hash', '--set'];
    const { 'plan-hash': hash, ...rest } = await planned(...words);
    expect(await plan(...words, '-q')).toEqual({ code: 0, stdout: `${hash}\n`, stderr: '' });
    expect(JSON.parse((await plan(...words, '--json', 'plan-hash')).stdout)).toEqual({ 'plan-hash': hash });
    expect(Object.keys(rest)).toEqual(['template-id', 'template-version', 'engine', 'set-count', 'skipped-sets', 'sets']);
  });

  test('tells the name that it made, under which alone the plan can be started', async () => {
    const { stderr } = await plan('--set');
    expect(stderr).toMatch(/^--user-run-id ada-generated-\d+$/m);
  });

  test('says what is expected once five jobs of the template have ended', async () => {
    const sets = Array.from({ length: 5 }, (_, index) => ['--set', '-p', `CITY=Known ${index}`]).flat();
    const other = ['-s', 'time', '-t', 'little'];
    await running.sluice('run', 'start', ...other, ...sets, '--wait');
    const again = (): Promise<Printed> => running.sluice('run', 'plan', ...other, ...sets);
    // What the jobs took is noted a moment after their run has ended.
    await expect.poll(async () => (await again()).stdout, { timeout: 5_000 }).toContain('expected   about');
    const { stdout } = await again();
    expect(stdout).toMatch(
      /^ {2}expected {3}about \d+\.\d\d s; half of the jobs took \d+\.\d\d s or less, one in ten \d+\.\d\d s or less, /m,
    );
    expect(stdout).toMatch(/^ {2}calls {6}5 starts and about \d+ looks? at how the jobs stand$/m);
  });

  test('of a set that the template refuses names it, and exits 2', async () => {
    const { code, stdout, stderr } = await plan('--set', '--set', '-p', 'SECONDS=soon');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('sluice: the run cannot be planned.\n');
    expect(stderr).toMatch(/^ {2}\/runtime-parameters\/1\/SECONDS: /m);
  });
});

describe('run start --plan-hash', () => {
  const start = (...words: readonly string[]): Promise<Printed> => running.start(...words);

  test('starts what was planned', async () => {
    const words = ['--user-run-id', 'as-planned', '--set', '-p', 'CITY=Oslo'];
    const hash = (await plan(...words, '-q')).stdout.trim();
    const { code, stdout } = await start(...words, '--plan-hash', hash, '--wait', '--json', 'state');
    expect([code, JSON.parse(stdout)]).toEqual([0, { state: 'SUCCEEDED' }]);
  });

  test('starts nothing else: exit 2, and what to do', async () => {
    const name = ['--user-run-id', 'not-as-planned'];
    const hash = (await plan(...name, '-p', 'CITY=Oslo', '-q')).stdout.trim();
    const { code, stdout, stderr } = await start(...name, '-p', 'CITY=Bergen', '--plan-hash', hash);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^sluice: the run was not started\.\nWhy: The request would no longer start what was planned; /);
    expect(stderr).toContain('\nNext: plan again');
    expect(await runsNamed('not-as-planned')).toEqual([]);
  });

  test('without the name that was planned is a mistake, told before anything is sent', async () => {
    const { code, stderr } = await start('-p', 'CITY=Oslo', '--plan-hash', 'a'.repeat(64));
    expect(code).toBe(2);
    expect(stderr).toContain('--plan-hash needs --user-run-id');
  });
});

describe('--skip-succeeded-since', () => {
  const SINCE = ['--skip-succeeded-since', '2026-01-01T00:00:00Z'];
  const CITIES = ['--set', '-p', 'CITY=Quito', '--set', '-p', 'CITY=Lima', '--set', '-p', 'CITY=La Paz'];
  beforeAll(async () => {
    await running.ended('--set', '-p', 'CITY=Quito', '--set', '-p', 'CITY=La Paz', '--set', '-p', 'CITY=Lima', '-p', 'FAIL=no');
  });

  test('leaves out the sets that have succeeded, in the plan and in the run, which says so', async () => {
    const plans = await plan('--user-run-id', 'skip', ...CITIES, ...SINCE);
    expect(plans.stdout).toMatch(/^skip of ada: 1 job$/m);
    expect(plans.stdout).toMatch(/^ {2}left out {3}sets 0, 2: they have succeeded since 2026-01-01T00:00:00Z$/m);
    expect(plans.stdout).toMatch(/^set 1, key /m);
    const { code, stdout, stderr } = await running.start(...CITIES, ...SINCE, '--wait');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {2}left out {2}2 sets that had succeeded before$/m);
    expect(stderr).toMatch(/^run_\S+ ACCEPTED: 1 job, 2 left out; Ctrl-C ends the waiting, not the run$/m);
  });

  test.each([[[]], [['--wait']]])('that leaves no set starts nothing: exit 0, nothing on stdout %j', async (words) => {
    const quito = ['-p', 'CITY=Quito', ...SINCE, '--user-run-id', `none ${words.length}`];
    const printed = await running.start(...quito, ...words);
    expect(printed).toEqual({ code: 0, stdout: '', stderr: 'Nothing was started: 1 set has succeeded already.\n' });
    const { stdout } = await running.start(...quito, '--json');
    expect(JSON.parse(stdout)).toEqual({ status: 'OK', 'run-id': null, 'skipped-sets': 1 });
  });

  test("with a time without its zone is the user's mistake, and is named", async () => {
    const { code, stderr } = await running.start('--set', '--skip-succeeded-since', '24h');
    expect(code).toBe(2);
    expect(stderr).toContain('\n  /skip-succeeded-since: must be a time in ISO 8601 with its zone');
  });
});
