/**
 * A simulated Control Hub: stands where StreamSets' service stands, for tests and for whoever has no account.
 *
 *     const simulator = controlHubSimulator({ nowMs: () => now, newId: sequentialIds() });
 *     const template = simulator.createTemplate({ name: 'http-to-gcs' });          // its JobJson; an id may be chosen
 *     const fetch = simulatorFetch(simulator);                                     // ./fetch.ts; any base URL, no socket
 *     simulator.set({ plans: [{ plan: { takesMs: 60_000, end: 'INACTIVE_RED' } }], searchDelayMs: 30_000 });
 *     simulator.set({ faults: [{ route: 'createAndStartJobInstances', fault: { kind: 'drop' }, next: 1 }] });
 *     simulator.calls.count('bulkStatus'); simulator.calls.of('bulkStatus')        // names: ./routes.ts
 *
 * Nothing runs by itself: what is read is computed from what was done and from `nowMs()`. Requests carry the headers of
 * `simulator.credential`. `set` replaces the switches it names (./switches.ts) and leaves the others.
 */
import { callLog, type CallLog } from './calls.ts';
import { faultAnswer, issuesAnswer, jsonAnswer, spoiltAnswer, strikingFaults, type Answer } from './fault-rules.ts';
import type { Engine, Hub } from './hub.ts';
import { createJob } from './job-actions.ts';
import { definitionOf } from './job-definition.ts';
import { jobJson, type Json } from './job-json.ts';
import { Refusal, refused } from './refusal.ts';
import { ROUTES } from './routes.ts';
import { routeMatcher, type RouteMatch } from './routing.ts';
import { DEFAULT_PLAN, type RunPlan } from './run-plan.ts';
import { Switches, type SwitchSettings } from './switches.ts';
import { announcements, subscribe, type WebhookDelivery } from './webhooks.ts';

export interface Credential {
  readonly id: string;
  readonly token: string;
}

export interface SimulatorOptions {
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** UUIDs, or anything that is unique. */
  readonly newId: () => string;
  readonly organizationId?: string;
  readonly baseUrl?: string;
  readonly credential?: Partial<Credential>;
  /** The projects that the organization has; without them any `project` is accepted. */
  readonly projectIds?: readonly string[];
  /** Without them one that has every label that its jobs ask for by default. */
  readonly engines?: readonly Engine[];
  /** Of runs whose parameters say nothing else. */
  readonly plan?: Partial<RunPlan>;
  readonly switches?: SwitchSettings;
  /** Told every status change: the same as a subscription with this payload, `WEBHOOK_PAYLOAD`. */
  readonly webhook?: { readonly uri: string; readonly headers?: Readonly<Record<string, string>> };
  /** Calls that the log keeps (100,000). */
  readonly callsKept?: number;
}

export interface SimulatorRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export type SimulatorOutcome =
  | { readonly kind: 'answered'; readonly answer: Answer; readonly latencyMs: number }
  /** The connection closes. */
  | { readonly kind: 'dropped'; readonly latencyMs: number }
  /** Nothing comes. */
  | { readonly kind: 'hung' };

export interface ControlHubSimulator {
  readonly hub: Hub;
  readonly credential: Credential;
  readonly calls: CallLog;
  respond(request: SimulatorRequest): SimulatorOutcome;
  /** Brings about what hanging calls were to do by now; `respond` does so first. */
  settle(): void;
  /** The webhooks that are due by now and have not been taken yet; whoever takes them sends them. */
  deliveries(): readonly WebhookDelivery[];
  /** @throws Error for what is no switch, and for a route that is none */
  set(settings: SwitchSettings): void;
  /** A job template from NewJobJson; `id` may be chosen. Returns its JobJson. */
  createTemplate(definition: Readonly<Record<string, unknown>>): Json & { readonly id: string };
}

export function controlHubSimulator(options: SimulatorOptions): ControlHubSimulator {
  const { nowMs } = options;
  const hub = emptyHub(options);
  const credential = { id: 'simulated-credential', token: simulatedToken(hub.organizationId), ...options.credential };
  const calls = callLog(options.callsKept ?? 100_000);
  const announced = announcements(hub);
  const match = routeMatcher(ROUTES);
  if (options.webhook) subscribe(hub, options.webhook, nowMs());
  let delayed: { readonly dueMs: number; readonly perform: () => void }[] = [];

  function settle(): void {
    const due = delayed.filter(({ dueMs }) => dueMs <= nowMs());
    delayed = delayed.filter(({ dueMs }) => dueMs > nowMs());
    for (const { perform } of due) perform();
  }

  function outcomeOf(request: SimulatorRequest, url: URL, matched: RouteMatch | undefined): SimulatorOutcome {
    if (!matched?.route.isPublic && !authenticated(request, credential))
      return answered(issuesAnswer(401, 'SSO_01', 'User not authenticated'));
    const { movedTo } = hub.switches;
    if (movedTo !== null) {
      const location = `${movedTo.replace(/\/$/, '')}${url.pathname}${url.search}`;
      return answered({ status: 308, headers: { location }, body: '' });
    }
    const { latencyMs, fault } = strikingFaults(hub.switches.faults, matched?.route.name ?? '');
    const perform = (atMs: number): Answer => effectOf(hub, request, url, matched, atMs);
    switch (fault?.kind) {
      case 'hang':
        if (fault.effectAfterMs !== null) {
          const dueMs = nowMs() + fault.effectAfterMs;
          delayed.push({ dueMs, perform: () => perform(dueMs) });
        }
        return { kind: 'hung' };
      case 'drop':
        if (fault.when === 'after') perform(nowMs());
        return { kind: 'dropped', latencyMs };
      case 'answer':
        if (fault.when === 'after') perform(nowMs());
        return answered(faultAnswer(fault), latencyMs);
      case 'twice': {
        const first = perform(nowMs());
        perform(nowMs());
        return answered(first, latencyMs);
      }
      case 'latency':
      case 'truncated':
      case 'huge':
      case 'unknown-enum':
        return answered(spoiltAnswer(fault, perform(nowMs())), latencyMs);
      case undefined:
        return answered(perform(nowMs()), latencyMs);
    }
  }

  return {
    hub,
    credential,
    calls,
    settle,
    respond(request) {
      settle();
      const url = new URL(request.url, 'http://control-hub');
      const matched = match(request.method, url.pathname);
      const outcome = outcomeOf(request, url, matched);
      calls.record({
        atMs: nowMs(),
        route: matched?.route.name,
        method: request.method,
        path: url.pathname,
        ids: idsIn(request.body),
        outcome: outcome.kind === 'answered' ? outcome.answer.status : outcome.kind,
      });
      return outcome;
    },
    deliveries() {
      settle();
      return announced.take(nowMs());
    },
    set(settings) {
      hub.switches = checkedSwitches({ ...hub.switches, ...settings });
    },
    createTemplate(definition) {
      const job = createJob(hub, definitionOf({ ...definition, jobTemplate: true }), nowMs());
      return { ...jobJson(hub, job, nowMs()), id: job.id };
    },
  };
}

function emptyHub({ newId, nowMs: _, ...options }: SimulatorOptions): Hub {
  const hub: Hub = {
    organizationId: options.organizationId ?? 'simulated-org',
    baseUrl: options.baseUrl ?? 'http://control-hub.invalid',
    userId: 'simulated-user',
    projectIds: options.projectIds,
    defaultPlan: { ...DEFAULT_PLAN, ...options.plan },
    newId,
    jobs: new Map(),
    pipelines: new Map(),
    engines: new Map(),
    templateRuns: [],
    subscriptions: new Map(),
    switches: checkedSwitches(options.switches ?? {}),
  };
  const engines = options.engines ?? [{ id: newId(), labels: ['all'], responding: true, executorType: 'COLLECTOR', version: '5.10.0' }];
  for (const engine of engines) hub.engines.set(engine.id, engine);
  return hub;
}

function checkedSwitches(settings: SwitchSettings): Switches {
  const parsed = Switches.parse(settings);
  const names = new Set(['*', ...ROUTES.map(({ name }) => name)]);
  const unknown = parsed.faults.find(({ route }) => !names.has(route));
  if (unknown) throw new Error(`there is no route ${unknown.route}`);
  return parsed;
}

const answered = (answer: Answer, latencyMs = 0): SimulatorOutcome => ({ kind: 'answered', answer, latencyMs });

function authenticated({ headers }: SimulatorRequest, { id, token }: Credential): boolean {
  const requestedBy = headers['x-requested-by'] ?? '';
  return requestedBy !== '' && headers['x-ss-app-component-id'] === id && headers['x-ss-app-auth-token'] === token;
}

function effectOf(hub: Hub, request: SimulatorRequest, url: URL, matched: RouteMatch | undefined, nowMs: number): Answer {
  try {
    if (!matched) throw refused(404, 'SIMULATOR_13', `the simulator has no ${request.method} ${url.pathname}`);
    checkProject(hub, url);
    const body = parsedBody(request.body);
    const json = matched.route.handle({ hub, nowMs, params: matched.params, query: url.searchParams, body });
    return json === undefined ? { status: 200, headers: {}, body: '' } : jsonAnswer(200, json);
  } catch (error) {
    if (error instanceof Refusal) return issuesAnswer(error.status, error.code, error.message);
    throw error;
  }
}

/** [C:SDK]: the code, and that timeseries takes no project. */
function checkProject({ projectIds }: Hub, { pathname, searchParams }: URL): void {
  const project = searchParams.get('project');
  if (!projectIds || project === null || pathname.startsWith('/timeseries/')) return;
  if (!projectIds.includes(project)) throw refused(400, 'RESTAPI_08', `there is no project ${project}`);
}

function parsedBody(text: string | undefined): unknown {
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw refused(400, 'SIMULATOR_02', 'the body is no JSON');
  }
}

function idsIn(text: string | undefined): number | undefined {
  if (!text?.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.length : undefined;
  } catch {
    return undefined;
  }
}

/** Shaped like a real one, so that a client can find the organization in it; it proves nothing. [C:SDK: claim `o`] */
function simulatedToken(organizationId: string): string {
  const part = (value: unknown): string => btoa(JSON.stringify(value)).replaceAll('=', '');
  return `${part({ alg: 'none' })}.${part({ o: organizationId })}.simulated`;
}

/** Ids that a test can foretell. */
export function sequentialIds(): () => string {
  let count = 0;
  return () => {
    count += 1;
    return `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`;
  };
}
