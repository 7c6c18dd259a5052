/** The schedules of serverless.yml by the local clock: what EventBridge is on AWS. The first time is soon after the start. */
import type { HostClock } from './host-clock.ts';
import type { ServiceSchedule } from './service-map.ts';

const FIRST_MS = 10_000;

/** Returns what ends them. A call that fails is made again at the next time. */
export function runSchedules(
  clock: HostClock,
  schedules: readonly ServiceSchedule[],
  call: (functionName: string) => Promise<unknown>,
): () => void {
  const cancels = new Map<string, () => void>();
  const arm = (schedule: ServiceSchedule, inMs: number): void => {
    const cancel = clock.at(clock.nowMs() + inMs, () => {
      arm(schedule, schedule.everySeconds * 1000);
      void call(schedule.functionName).catch(() => undefined);
    });
    cancels.set(schedule.functionName, cancel);
  };
  for (const schedule of schedules) arm(schedule, FIRST_MS);
  return () => {
    for (const cancel of cancels.values()) cancel();
  };
}
