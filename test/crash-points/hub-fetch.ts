/** Control Hub as one process reaches it: every request is a call of the plan, and reaches the simulator with what it is to meet. */
import type { ControlHubSimulator, SimulatorOutcome } from '#hosts/control-hub-simulator/simulator';
import type { SwitchSettings } from '#hosts/control-hub-simulator/switches';
import type { Process } from '#test/simulation/processes';
import { fateOf, type FaultPlan, type HubCallClass, type HubOutcome } from './fault-plan.ts';

export interface HubFetchInput {
  readonly process: Process;
  readonly plan: FaultPlan;
  readonly simulator: ControlHubSimulator;
  /** Told of what a start met whose instance may be one of two. */
  readonly doubted: (name: string, outcome: HubOutcome) => void;
}

/** As long as the adapter waits for an answer. */
export const ANSWER_MS = 20_000;
/** When what hangs takes effect: after the caller has given up; and late within the fence. */
const LANDS_MS = { hangs: 25_000, 'lands-late': 100_000 } as const;
/** How late the search is: so that whoever looks within the fence finds nothing at first, and so that nobody ever does. */
const INDEX_MS = { late: 60_000, blind: 6 * 3_600_000 } as const;
const LONG_REST_SECONDS = 40;

export function hubFetch({ process, plan, simulator, doubted }: HubFetchInput): typeof fetch {
  return async (input, init) => {
    const url = input instanceof URL ? input : new URL(typeof input === 'string' ? input : input.url);
    const method = init?.method ?? 'GET';
    const body = typeof init?.body === 'string' ? init.body : undefined;
    const callClass = classOf(method, url.pathname);
    const name = callClass === 'hub-create' ? String((JSON.parse(body ?? '{}') as { readonly name?: unknown }).name) : '';
    const path = url.pathname.replaceAll(/[0-9a-f-]{36}:[\w-]+/g, '{id}');
    const what = `${method} ${path}${name === '' ? '' : ` ${name}`}`;
    const outcome = plan.hubOutcome(callClass, what);
    if (outcome !== 'ok' && callClass === 'hub-create') doubted(name, outcome);
    const answer = await process.call<SimulatorOutcome>({
      kind: 'engine',
      what: () => `${what}${outcome === 'ok' ? '' : ` (${outcome})`}`,
      fate: fateOf(outcome),
      unavailable: 'EngineUnavailable',
      effect() {
        if (outcome !== 'ok') simulator.set(switchesOf(outcome));
        const headers = Object.fromEntries(Object.entries(init?.headers ?? {}).map(([key, value]) => [key.toLowerCase(), String(value)]));
        return simulator.respond({ method, url: `${url.pathname}${url.search}`, headers, body });
      },
    });
    switch (answer.kind) {
      case 'hung':
        await process.pause(ANSWER_MS);
        throw new DOMException('The operation timed out', 'TimeoutError');
      case 'dropped':
        throw new TypeError('fetch failed', { cause: Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' }) });
      case 'answered':
        return responseOf(answer.answer);
    }
  };
}

function classOf(method: string, path: string): HubCallClass {
  if (path.endsWith('/createAndStartJobInstances')) return 'hub-create';
  if (method === 'GET' && (path.endsWith('/v1/jobs') || path.endsWith('/jobs/search'))) return 'hub-search';
  const asks = method === 'GET' || path.endsWith('/v1/jobs/status') || path.endsWith('/v1/jobs');
  return asks ? 'hub-read' : 'hub-action';
}

function switchesOf(outcome: HubOutcome | 'ok'): SwitchSettings {
  switch (outcome) {
    case 'ok':
    case 'crash-before':
    case 'crash-after':
    case 'dies-before':
    case 'dies-after':
      return {};
    case 'error-before':
    case 'error-after': {
      const when = outcome === 'error-before' ? 'before' : 'after';
      return struckBy({ kind: 'answer', status: 500, when });
    }
    case 'dropped':
      return struckBy({ kind: 'drop', when: 'after' });
    case 'hangs':
    case 'lands-late':
      return struckBy({ kind: 'hang', effectAfterMs: LANDS_MS[outcome] });
    case 'twice':
      return struckBy({ kind: 'twice' });
    case '429':
      return struckBy({ kind: 'answer', status: 429, retryAfter: '2' });
    case '429-long':
      return struckBy({ kind: 'answer', status: 429, retryAfter: String(LONG_REST_SECONDS) });
    case 'index-late':
    case 'dies-unseen':
      return { searchDelayMs: INDEX_MS.late };
    case 'dropped-unseen':
      return { ...struckBy({ kind: 'drop', when: 'after' }), searchDelayMs: INDEX_MS.late };
    case 'twice-unseen':
      return { ...struckBy({ kind: 'twice' }), searchDelayMs: INDEX_MS.late };
    case 'dropped-blind':
      return { ...struckBy({ kind: 'drop', when: 'after' }), searchDelayMs: INDEX_MS.blind };
    case 'dies-blind':
      return { searchDelayMs: INDEX_MS.blind };
  }
}

type Struck = NonNullable<SwitchSettings['faults']>[number]['fault'];

const struckBy = (fault: Struck): SwitchSettings => ({ faults: [{ route: '*', fault, next: 1 }] });

/** What the adapter reads of a response. A real one turns the event loop, which stands still here. */
function responseOf({
  status,
  headers,
  body,
}: {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}): Response {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(new TextEncoder().encode(body));
  }
  return { status, headers: new Headers(headers), body: body === '' ? null : chunks() } as unknown as Response;
}
