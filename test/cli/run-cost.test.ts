import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CostView, RunView } from '#contract/views';
import { startSleepService, type SleepService } from './sleep-service.ts';

let running: SleepService;

beforeAll(async () => {
  running = await startSleepService();
});
afterAll(() => running.service.close());

test('run view --cost tells what the run has used and its price; without the flag nothing of it is shown', async () => {
  const id = await running.ended('--set', '--set');
  const { stdout } = await running.sluice('run', 'view', id, '--cost');
  expect(stdout).toMatch(/^ {2}cost {6}\$0\.000\d{3} on AWS at list prices/m);
  expect(stdout).toMatch(/^ {2}of that {3}\d+ state transitions, \d+ invocations, [\d.]+ GB-s, \d+ write and \d+ read units$/m);
  expect(stdout).toMatch(/^ {2}by kind {3}\$0\.0\d+ Step Functions, \$0\.0\d+ Lambda, .* API; [\d,]+ ms in Lambda$/m);
  expect(stdout).toMatch(/^ {2}engine {4}2 starts, \d+ status calls? in \d+ ticks?$/m);
  expect((await running.sluice('run', 'view', id)).stdout).not.toContain('cost');
});

test('as JSON it is one object, which grows with the number of jobs', async () => {
  const costOf = async (...sets: readonly string[]): Promise<CostView | undefined> => {
    const id = await running.ended(...sets);
    const { stdout } = await running.sluice('run', 'view', id, '--cost', '--json', 'cost');
    return (JSON.parse(stdout) as Pick<RunView, 'cost'>).cost;
  };
  const one = await costOf('--set');
  const three = await costOf('--set', '--set', '--set');
  expect(one?.['engine-starts']).toBe(1);
  expect(three?.['engine-starts']).toBe(3);
  expect(three?.['lambda-milliseconds']).toBeGreaterThan(one?.['lambda-milliseconds'] ?? Infinity);
  const parts = Object.values(three?.['usd-by-kind'] ?? {});
  expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(three?.usd ?? 0, 6);
  expect(parts.every((part) => part > 0)).toBe(true);
  expect(three?.['dynamodb-write-units']).toBeGreaterThan(1.8 * (one?.['dynamodb-write-units'] ?? Infinity));
});
