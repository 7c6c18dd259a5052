/** The API's handlers on a table, a clock that is driven and the sleep engine: what a state machine does, done when time passes. */
import { encodeTime } from 'ulid';
import { dynamoApiTokenStore } from '#adapters/dynamodb/api-token-store';
import { dynamoCatalogStore } from '#adapters/dynamodb/catalog-store';
import { decodeCursor, encodeCursor } from '#adapters/dynamodb/cursors';
import { dynamoJobStore } from '#adapters/dynamodb/job-store';
import { dynamoDurationStore } from '#adapters/dynamodb/duration-store';
import { dynamoMetricSeries } from '#adapters/dynamodb/metric-series';
import { dynamoRunStore } from '#adapters/dynamodb/run-store';
import { dynamoSlotStore } from '#adapters/dynamodb/slot-store';
import type { Table } from '#adapters/dynamodb/table';
import { canonicalDigest } from '#adapters/json/digest';
import { cfworkerParameterSchemas } from '#adapters/json/parameter-schemas';
import { epochMs, instant, type RunId } from '#domain/ids';
import { digestOfSecret } from '#hosts/lambda/authentication';
import type { HttpHandler } from '#hosts/lambda/http';
import { installPorts } from '#hosts/wiring';
import { finishRun } from '#operations/finish-run';
import { planRun } from '#operations/plan-run';
import { pollRun } from '#operations/poll-run';
import type { Ports } from '#operations/ports';
import { startJob } from '#operations/start-job';
import { START_MS } from '#test/domain/builders';
import { call, handlerOf, type Answer, type Call } from '#test/functions/http-call';
import { jobPorts } from '#test/support/job-ports';
import { memoryOrchestrator } from '#test/support/memory-orchestrator';
import { sleepEngine } from '#test/support/sleep-engine';
import { note } from './breadth.ts';

export interface ApiWorld {
  ask(routeKey: string, asked?: Call): Promise<Answer>;
  /** Time passes, and what was accepted or is open goes on: planned, started, ticked. */
  pass(seconds: number): Promise<void>;
  /** Forgets what is still open. */
  forget(): void;
  nowMs(): number;
}

const SECRET = 's'.repeat(43);

export async function apiWorld(table: Table): Promise<ApiWorld> {
  let nowMs = START_MS;
  let ids = 0;
  const engine = sleepEngine({ nowMs: () => nowMs });
  /** With the attempt that was started last. */
  const open = new Map<RunId, number>();
  const planned = new Set<string>();
  const ports: Ports = {
    clock: {
      now: () => instant(nowMs),
      pause(ms) {
        nowMs += ms;
        return Promise.resolve();
      },
    },
    // Ids sort by the order of their making, and tell its time, as real ones do.
    randomness: { newUlid: (at) => `${encodeTime(epochMs(at), 10)}${String((ids += 1)).padStart(16, '0')}`, fraction: () => 0.5 },
    digest: canonicalDigest,
    parameterSchemas: cfworkerParameterSchemas,
    catalog: dynamoCatalogStore(table),
    runs: dynamoRunStore(table),
    jobs: dynamoJobStore(table),
    slots: dynamoSlotStore(table),
    durations: dynamoDurationStore(table),
    series: dynamoMetricSeries(table),
    orchestrator: {
      ...memoryOrchestrator(() => instant(nowMs)),
      startRun: (id, attempt) => Promise.resolve(void open.set(id, attempt)),
    },
    engines: (name) => (name === 'sleep' ? engine : undefined),
    cursors: { encode: encodeCursor, decode: decodeCursor },
    apiTokens: dynamoApiTokenStore(table),
    ...jobPorts(table),
    webhookSecret: (engine) => Promise.resolve(engine === 'control-hub' ? 'hush' : undefined),
    policy: { pollFloorSeconds: 5, starterSeconds: 60, leaseSeconds: 180, host: 'test', engineLimits: {} },
  };
  /** What an execution does first, once. */
  const begin = async (runId: RunId, attempt: number): Promise<void> => {
    const execution = `arn:${runId}-a${attempt}`;
    if (planned.has(execution)) return;
    planned.add(execution);
    const outcome = await planRun(ports, { kind: 'accepted', execution, runId });
    if (outcome.kind === 'nothing-to-do') throw new Error('an accepted run has something to do');
    // It is being closed: ticks bring it to its end.
    if (outcome.kind === 'already-driven') return;
    const { indexes = Array.from({ length: outcome.run.count }, (_, index) => index) } = outcome;
    await Promise.all(indexes.map((index) => startJob(ports, { runId, index, taskToken: `${execution}/${index}`, attempt })));
  };
  await ports.apiTokens.put({ id: 'model', name: 'model', secretDigest: digestOfSecret(SECRET), scopes: ['admin'] });
  installPorts(ports);
  const resources = ['runs', 'run-changes', 'jobs', 'metrics', 'patterns', 'templates'] as const;
  const handlers = new Map<string, HttpHandler>();
  for (const handler of await Promise.all(resources.map(handlerOf)))
    for (const { routeKey } of handler.routes) handlers.set(routeKey, handler);
  return {
    nowMs: () => nowMs,
    async ask(routeKey, { headers, ...asked } = {}) {
      const handler = handlers.get(routeKey);
      if (!handler) throw new Error(`no handler for ${routeKey}`);
      const answer = await call(handler, routeKey, { ...asked, headers: { authorization: `Bearer slc_model.${SECRET}`, ...headers } });
      note(routeKey, answer);
      return answer;
    },
    async pass(seconds) {
      nowMs += seconds * 1000;
      for (const [id, attempt] of open) {
        await begin(id, attempt);
        const { ended } = await pollRun(ports, { runId: id });
        if (!ended) continue;
        await finishRun(ports, { runId: id, attempt });
        open.delete(id);
      }
    },
    forget() {
      open.clear();
      planned.clear();
    },
  };
}
