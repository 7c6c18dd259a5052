/** The pauses of operations that hold an answer back. They end with the host: nobody is kept waiting by a service that is gone. */
import { Fault } from '#domain/faults';
import type { HostClock } from './host-clock.ts';

export interface Pauses {
  /** Throws `OrchestratorUnavailable` where the host stops meanwhile: a caller is told to come again. */
  pause(ms: number): Promise<void>;
  end(): void;
}

export function pauses(clock: HostClock): Pauses {
  const open = new Set<() => void>();
  let ended = false;
  const stopping = (): Fault => new Fault('OrchestratorUnavailable', 'the service is stopping');
  return {
    pause(ms) {
      if (ended) return Promise.reject(stopping());
      return new Promise((resolve, reject) => {
        const cancel = clock.at(clock.nowMs() + ms, () => {
          open.delete(breakOff);
          resolve();
        });
        const breakOff = (): void => {
          cancel();
          reject(stopping());
        };
        open.add(breakOff);
      });
    },
    end() {
      ended = true;
      for (const breakOff of open) breakOff();
      open.clear();
    },
  };
}
