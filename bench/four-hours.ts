/** How long four hours of a watch loop that asks every ten seconds take on a driven clock: the embedded Step Functions alone. */
import { randomUUID } from 'node:crypto';
import { drivenClock } from '#hosts/local/driven-clock';
import { registerStateMachines, stateMachineArn } from '#hosts/local/state-machines';
import { createStepFunctions } from '#hosts/local/step-functions/step-functions';
import { countedCheckpoints, newTally } from './counting.ts';

const HOURS_4_MS = 4 * 3600 * 1000;
const DELAY_SECONDS = 10;

export interface FourHours {
  readonly tookMs: number;
  readonly ticks: number;
}

export async function fourHours(project: URL): Promise<FourHours> {
  const tally = newTally();
  const checkpoints = countedCheckpoints(() => tally);
  const clock = drivenClock(0);
  let ticks = 0;
  const stepFunctions = createStepFunctions({
    checkpoints,
    clock,
    newId: () => randomUUID(),
    invoke() {
      ticks += 1;
      const ended = clock.nowMs() >= HOURS_4_MS;
      return Promise.resolve({ kind: 'returned', payload: { ended, delaySeconds: DELAY_SECONDS } });
    },
  });
  await registerStateMachines((operation, input) => stepFunctions.call(operation, input), new URL('state-machines/', project));
  const input = JSON.stringify({ runId: 'run', series: 'run', watch: 1, chunk: 1, delaySeconds: DELAY_SECONDS });
  const from = performance.now();
  const started = stepFunctions.call('StartExecution', { stateMachineArn: stateMachineArn('watch'), name: 'run-w1', input });
  await clock.settle();
  await started;
  await clock.runUntilIdle({ until: () => checkpoints.openExecutions() === 0, mostSteps: 100_000 });
  const tookMs = performance.now() - from;
  await stepFunctions.close();
  return { tookMs, ticks };
}
