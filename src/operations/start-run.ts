/**
 * Accepts a request: everything that can be wrong is found before anything is written, and what is written is all or
 * nothing. The execution is started last; a request that is repeated after a crash in between starts it then.
 */
import { runId } from '#domain/ids';
import type { JsonObject } from '#domain/json';
import { isFinal, type Run } from '#domain/run';
import type { EarlierRequest, Ports } from './ports.ts';
import { demandDigest, patternOf, prepareRun, type PreparedRun, type PrepareOutcome, type RunDemand } from './prepare-run.ts';

export interface StartRun extends RunDemand {
  readonly requestedBy: string;
  readonly idempotencyKey?: string;
  /** Of a plan: nothing else than what was planned is to be started. */
  readonly planHash?: string;
  /** Of a clone: how its sets were selected. The same request may find others when it comes again, and is the same request. */
  readonly selectedBy?: JsonObject;
}

export type StartRunOutcome =
  | { readonly kind: 'started' | 'replayed'; readonly run: Run }
  /** Every set has succeeded since the time that was given. */
  | { readonly kind: 'all-skipped'; readonly skipped: number }
  | { readonly kind: 'in-progress' }
  | { readonly kind: 'key-reused'; readonly earlier: EarlierRequest }
  | { readonly kind: 'plan-changed'; readonly planHash: string }
  | Exclude<PrepareOutcome, PreparedRun>;

type Needs = Pick<Ports, 'clock' | 'randomness' | 'digest' | 'parameterSchemas' | 'catalog' | 'runs' | 'jobs' | 'orchestrator'>;

export async function startRun(ports: Needs, request: StartRun): Promise<StartRunOutcome> {
  return driven(ports, await acceptRun(ports, request));
}

/** What a request that was accepted before is answered, whatever its sets would be now; undefined where it is new. */
export async function startedBefore(ports: Needs, request: Omit<StartRun, 'sets'>): Promise<StartRunOutcome | undefined> {
  const whole = { ...request, sets: [] };
  const earlier = await ports.runs.earlierRequest(keysOf(ports, whole));
  return earlier?.complete === true ? driven(ports, await answerAsBefore(ports, earlier, bodyDigestOf(ports, whole))) : undefined;
}

async function driven(ports: Needs, accepted: StartRunOutcome): Promise<StartRunOutcome> {
  if (accepted.kind !== 'started' && accepted.kind !== 'replayed') return accepted;
  const { run } = accepted;
  // Under a deterministic name, hence harmless where it runs already; needed where an earlier request died right here.
  if (run.execution === undefined && !isFinal(run)) await ports.orchestrator.startRun(run.id, run.attempt);
  return accepted;
}

/** As `startRun`, but leaves the driving to the execution that asks. */
export async function acceptRun(ports: Needs, request: StartRun): Promise<StartRunOutcome> {
  const bodyDigest = bodyDigestOf(ports, request);
  const { idempotencyKey } = request;
  const [earlier, pattern] = await Promise.all([ports.runs.earlierRequest(keysOf(ports, request)), patternOf(ports, request)]);
  // An incomplete one may have lapsed, whatever its body was: the store knows.
  if (earlier?.complete === true) return answerAsBefore(ports, earlier, bodyDigest);
  const prepared = await prepareRun(ports, request, pattern);
  if (prepared.kind !== 'prepared') return prepared;
  const { planHash, skipped, sets } = prepared;
  if (request.planHash !== undefined && request.planHash !== planHash) return { kind: 'plan-changed', planHash };
  if (sets.length === 0) return { kind: 'all-skipped', skipped: skipped.length };

  const run = newRun(ports, request, prepared);
  const outcome = await ports.runs.accept({
    run,
    sets: sets.map(({ set }) => set),
    bodyDigest,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  });
  return outcome.kind === 'accepted' ? { kind: 'started', run } : answerAsBefore(ports, outcome.earlier, bodyDigest);
}

function keysOf({ clock }: Needs, { userId, userRunId, idempotencyKey }: StartRun): Parameters<Ports['runs']['earlierRequest']>[0] {
  return { userId, userRunId, now: clock.now(), ...(idempotencyKey === undefined ? {} : { idempotencyKey }) };
}

function bodyDigestOf(ports: Needs, { selectedBy, ...request }: StartRun): string {
  if (selectedBy === undefined) return demandDigest(ports, request);
  return ports.digest({ request: demandDigest(ports, { ...request, sets: [] }), selectedBy });
}

async function answerAsBefore(ports: Needs, earlier: EarlierRequest, bodyDigest: string): Promise<StartRunOutcome> {
  if (earlier.bodyDigest !== bodyDigest) return { kind: 'key-reused', earlier };
  const run = earlier.complete ? await ports.runs.load(earlier.runId) : undefined;
  return run ? { kind: 'replayed', run } : { kind: 'in-progress' };
}

function newRun(ports: Needs, request: StartRun, { template, sets, skipped }: PreparedRun): Run {
  const now = ports.clock.now();
  return {
    id: runId(ports.randomness.newUlid(now)),
    userId: request.userId,
    userRunId: request.userRunId,
    sourceType: request.sourceType,
    targetType: request.targetType,
    templateId: template.id,
    templateVersion: template.version,
    requestedBy: request.requestedBy,
    count: sets.length,
    ...(skipped.length > 0 ? { skipped: skipped.length } : {}),
    chunkStarts: [],
    setsBytes: 0,
    attempt: 1,
    retriedJobs: 0,
    watch: 1,
    ...(request.clonedFrom === undefined ? {} : { clonedFrom: request.clonedFrom }),
    state: 'ACCEPTED',
    version: 1,
    createdAt: now,
    updatedAt: now,
  };
}
