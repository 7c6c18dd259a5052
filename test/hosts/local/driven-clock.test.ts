import { expect, test } from 'vitest';
import { drivenClock } from '#hosts/local/driven-clock';

test('deadlines are kept in order, each at its own time, those that arise on the way included', async () => {
  const clock = drivenClock(1000);
  const kept: string[] = [];
  const keep = (name: string) => (): void => void kept.push(`${name}@${clock.nowMs()}`);
  clock.at(3000, keep('late'));
  clock.at(2000, () => {
    keep('early')();
    clock.at(2500, keep('between'));
  });
  clock.at(2000, keep('early too'));
  await clock.advanceTo(2999);
  expect(kept).toEqual(['early@2000', 'early too@2000', 'between@2500']);
  expect(clock.nowMs()).toBe(2999);
  await clock.advanceBy(1);
  expect(kept.at(-1)).toBe('late@3000');
});

test('a deadline of the past is kept at once, and a cancelled one never', async () => {
  const clock = drivenClock(1000);
  let kept = 0;
  clock.at(0, () => (kept += 1));
  clock.at(2000, () => (kept += 10))();
  await clock.runUntilIdle();
  expect(kept).toBe(1);
  expect(clock.nowMs()).toBe(1000);
});

test('promises and turns of the event loop settle before time goes on', async () => {
  const clock = drivenClock(0);
  const seen: number[] = [];
  clock.at(10, () => {
    setImmediate(() => void Promise.resolve().then(() => seen.push(clock.nowMs())));
  });
  clock.at(20, () => seen.push(clock.nowMs()));
  await clock.runUntilIdle();
  expect(seen).toEqual([10, 20]);
});

test('what never becomes idle is reported and not waited for', async () => {
  const clock = drivenClock(0);
  const again = (): void => void clock.at(clock.nowMs() + 1, again);
  again();
  await expect(clock.runUntilIdle({ mostSteps: 5 })).rejects.toThrow('after 5 deadlines');
});
