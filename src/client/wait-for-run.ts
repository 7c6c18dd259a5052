/** Waiting for a run. */
import { RunView } from '#contract/views';
import { waitForEnd, type WaitOptions } from './held-wait.ts';
import type { Pace } from './pace.ts';
import { query } from './pages.ts';
import { get, part, type Transport } from './transport.ts';

/** The run has a limit of its own, its template's. */
export type RunWaitOptions = WaitOptions<RunView>;

/** `timed-out` says that the wait is over, not the run. */
export type WaitOutcome = { readonly kind: 'ended'; readonly run: RunView } | { readonly kind: 'timed-out'; readonly run: RunView };

export async function waitForRun(call: Transport, runId: string, pace: Pace, options?: RunWaitOptions): Promise<WaitOutcome> {
  const path = `/v1/runs/${part(runId)}`;
  const looks = {
    look: async () => (await call(get(path), RunView)).body,
    held: async (seconds: number) =>
      (await call({ ...get(`${path}/wait${query({ 'timeout-seconds': seconds })}`), repeatable: false }, RunView)).body,
    hasEnded,
  };
  const { ended, seen } = await waitForEnd(looks, pace, options);
  return { kind: ended ? 'ended' : 'timed-out', run: seen };
}

/** Whether every job of the run is settled. A retry can open it again. */
export function hasEnded({ state }: Pick<RunView, 'state'>): boolean {
  switch (state) {
    case 'ACCEPTED':
    case 'RUNNING':
    case 'CANCELLING':
      return false;
    case 'SUCCEEDED':
    case 'PARTIAL':
    case 'FAILED':
    case 'CANCELLED':
      return true;
  }
}
