/** A `fetch` that asks the simulator, without a socket. */
import type { ControlHubSimulator, SimulatorRequest } from './simulator.ts';

export interface FetchOptions {
  /** Waits out a latency. Without it a latency takes no time: nothing here knows how the caller's clock goes. */
  readonly sleep?: (ms: number) => Promise<void>;
  /**
   * What becomes of a call that is never answered: it `waits` for the caller's AbortSignal, or `times out` at once as if the caller
   * had waited long enough. The latter without being told.
   */
  readonly hanging?: 'waits' | 'times out';
}

/** Requests whatever host: the path alone counts. A dropped connection rejects with a TypeError, as fetch does. */
export function simulatorFetch(simulator: ControlHubSimulator, { sleep, hanging = 'times out' }: FetchOptions = {}): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const { signal } = request;
    signal.throwIfAborted();
    const outcome = simulator.respond(await simulatorRequest(request));
    switch (outcome.kind) {
      case 'hung':
        return hanging === 'waits' ? aborted(signal) : Promise.reject(new DOMException('The operation timed out', 'TimeoutError'));
      case 'dropped':
        await sleep?.(outcome.latencyMs);
        signal.throwIfAborted();
        throw new TypeError('fetch failed', { cause: Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' }) });
      case 'answered': {
        await sleep?.(outcome.latencyMs);
        signal.throwIfAborted();
        const { status, headers, body } = outcome.answer;
        return new Response(body === '' ? null : body, { status, headers });
      }
    }
  };
}

async function simulatorRequest(request: Request): Promise<SimulatorRequest> {
  const { pathname, search } = new URL(request.url);
  const body = await request.text();
  return {
    method: request.method,
    url: `${pathname}${search}`,
    headers: Object.fromEntries(request.headers.entries()),
    body: body === '' ? undefined : body,
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      reject(signal.reason as Error);
    });
  });
}
