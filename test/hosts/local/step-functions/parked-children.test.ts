import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { type DrivenClock, drivenClock } from '#hosts/local/driven-clock';
import { BEGIN_MS, harness, returned } from './harness.ts';
import { memoryCheckpoints } from './memory-checkpoints.ts';
import { distributed, parked } from './parked.ts';

const MOST_BYTES_PER_CHILD = 2048;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** After everything that can go has gone; finalizers and what is left of a resolved promise go between two collections. */
async function usedBytes(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    collect();
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** With the alarms that are set on it now. */
function countingClock(): DrivenClock & { readonly alarms: () => number } {
  const clock = drivenClock(BEGIN_MS);
  let alarms = 0;
  return {
    ...clock,
    alarms: () => alarms,
    at(atMs, callback) {
      alarms += 1;
      const cancel = clock.at(atMs, callback);
      return () => {
        alarms -= 1;
        cancel();
      };
    },
  };
}

/** What the interpreter holds for that many parked children: the store's documents are thrown away before it is weighed. */
async function weighed(children: number): Promise<{ readonly bytes: number; readonly alarms: number }> {
  const documents = new Map<string, Map<string, string>>();
  const clock = countingClock();
  let calls = 0;
  const sfn = harness(
    () => {
      calls += 1;
      return returned({});
    },
    { checkpoints: memoryCheckpoints(documents), clock },
  );
  const machine = await sfn.create(distributed(children, parked({ TimeoutSeconds: 2_678_400, HeartbeatSeconds: 86_400 })));
  const before = await usedBytes();
  const executionArn = await sfn.start(machine, {});
  while (calls < children) await clock.settle();
  await clock.settle();
  documents.clear();
  const bytes = (await usedBytes()) - before;
  // Still needed after the weighing, so that nothing of it was collected.
  expect((await sfn.describe(executionArn))['status']).toBe('RUNNING');
  expect(calls).toBe(children);
  return { bytes, alarms: clock.alarms() };
}

test('a parked child costs less than 2 KB of memory however many there are, and no alarm of its own', async () => {
  // Code is compiled and shapes are learned when they are first used, which is no child's cost.
  await weighed(200);
  const few = await weighed(2000);
  const many = await weighed(4000);
  expect(few.bytes / 2000).toBeLessThan(MOST_BYTES_PER_CHILD);
  expect((many.bytes - few.bytes) / 2000).toBeLessThan(MOST_BYTES_PER_CHILD);
  expect(many.bytes / 4000).toBeLessThan((few.bytes / 2000) * 1.25);
  expect([few.alarms, many.alarms]).toEqual([1, 1]);
});
