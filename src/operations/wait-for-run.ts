/** Holds an answer back until a run has ended or the time is up: for callers who would else ask every second. */
import { epochMs, type RunId } from '#domain/ids';
import { isFinal } from '#domain/run';
import type { Ports } from './ports.ts';
import { getRun, type RunStanding } from './read-runs.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1000;
const GROWTH = 1.5;

/** As the run stands when it has ended or when the time is up. Undefined: there is no such run. */
export async function waitForRun(
  ports: Pick<Ports, 'clock' | 'runs'>,
  id: RunId,
  timeoutSeconds: number,
): Promise<RunStanding | undefined> {
  const endsMs = epochMs(ports.clock.now()) + timeoutSeconds * 1000;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * GROWTH, LONGEST_PAUSE_MS)) {
    const standing = await getRun(ports, id);
    const leftMs = endsMs - epochMs(ports.clock.now());
    if (!standing || isFinal(standing.run) || leftMs <= 0) return standing;
    await ports.clock.pause(Math.min(pauseMs, leftMs));
  }
}
