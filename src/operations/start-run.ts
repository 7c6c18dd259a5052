/**
 * Accepts a request: everything that can be wrong is found before anything is written, and what is written is all or
 * nothing. The execution is started last; a request that is repeated after a crash in between starts it then.
 */
import { runId } from '#domain/ids';
import type { JsonObject } from '#domain/json';
import { lockedKeys, type ParameterProblem } from '#domain/parameters';
import { isFinal, type Run } from '#domain/run';
import type { Pattern, Template } from '#domain/template';
import type { EarlierRequest, Ports } from './ports.ts';

export interface StartRun {
  readonly userId: string;
  readonly userRunId: string;
  readonly sourceType: string;
  readonly targetType: string;
  readonly sets: readonly JsonObject[];
  readonly requestedBy: string;
  readonly idempotencyKey?: string;
}

/** A problem of one set: the pointer leads into the set of that index. */
export interface SetProblem extends ParameterProblem {
  readonly index: number;
}

export type StartRunOutcome =
  | { readonly kind: 'started' | 'replayed'; readonly run: Run }
  | { readonly kind: 'in-progress' }
  | { readonly kind: 'key-reused'; readonly earlier: EarlierRequest }
  | { readonly kind: 'no-pattern'; readonly known: readonly Pattern[] }
  | { readonly kind: 'no-template'; readonly pattern: Pattern }
  | { readonly kind: 'invalid-sets'; readonly problems: readonly SetProblem[]; readonly total: number };

type Needs = Pick<Ports, 'clock' | 'randomness' | 'digest' | 'parameterSchemas' | 'catalog' | 'runs' | 'orchestrator'>;

/** An answer names this many problems at most; it says how many there are. */
const PROBLEMS_SHOWN = 1000;

export async function startRun(ports: Needs, request: StartRun): Promise<StartRunOutcome> {
  const accepted = await acceptRun(ports, request);
  if (accepted.kind !== 'started' && accepted.kind !== 'replayed') return accepted;
  const { run } = accepted;
  // Under a deterministic name, hence harmless where it runs already; needed where an earlier request died right here.
  if (run.execution === undefined && !isFinal(run)) await ports.orchestrator.startRun(run.id, run.attempt);
  return accepted;
}

/** As `startRun`, but leaves the driving to the execution that asks. */
export async function acceptRun(ports: Needs, request: StartRun): Promise<StartRunOutcome> {
  const bodyDigest = digestOf(ports, request);
  const { userId, userRunId, idempotencyKey } = request;
  const keys = { userId, userRunId, now: ports.clock.now(), ...(idempotencyKey === undefined ? {} : { idempotencyKey }) };
  const [earlier, pattern] = await Promise.all([
    ports.runs.earlierRequest(keys),
    ports.catalog.pattern(request.sourceType, request.targetType),
  ]);
  // An incomplete one may have lapsed, whatever its body was: the store knows.
  if (earlier?.complete === true) return answerAsBefore(ports, earlier, bodyDigest);
  if (!pattern) return { kind: 'no-pattern', known: await nearestPatterns(ports, request) };
  const template = await ports.catalog.template(pattern.templateId);
  if (!template) return { kind: 'no-template', pattern };
  const problems = setProblems(ports, template, request.sets);
  if (problems.length > 0) return { kind: 'invalid-sets', problems: problems.slice(0, PROBLEMS_SHOWN), total: problems.length };

  const run = newRun(ports, request, template);
  const outcome = await ports.runs.accept({
    run,
    sets: request.sets,
    bodyDigest,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  });
  return outcome.kind === 'accepted' ? { kind: 'started', run } : answerAsBefore(ports, outcome.earlier, bodyDigest);
}

async function answerAsBefore(ports: Needs, earlier: EarlierRequest, bodyDigest: string): Promise<StartRunOutcome> {
  if (earlier.bodyDigest !== bodyDigest) return { kind: 'key-reused', earlier };
  const run = earlier.complete ? await ports.runs.load(earlier.runId) : undefined;
  return run ? { kind: 'replayed', run } : { kind: 'in-progress' };
}

function digestOf(ports: Needs, { userId, userRunId, sourceType, targetType, sets }: StartRun): string {
  return ports.digest({ userId, userRunId, sourceType, targetType, sets });
}

export function setProblems(
  ports: Pick<Ports, 'parameterSchemas'>,
  template: Template,
  sets: readonly JsonObject[],
): readonly SetProblem[] {
  const validate = ports.parameterSchemas.validator(template.parametersSchema);
  return sets.flatMap((set, index) => {
    const locked = lockedKeys(template, set);
    const lockedPointers = new Set(locked.map(({ pointer }) => pointer));
    // A locked key is usually unknown to the schema as well: one problem is enough to mend it.
    const invalid = validate(set).filter(({ pointer }) => !lockedPointers.has(pointer));
    return [...locked, ...invalid].map((problem) => ({ ...problem, index }));
  });
}

function newRun(ports: Needs, request: StartRun, template: Template): Run {
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
    count: request.sets.length,
    chunkStarts: [],
    attempt: 1,
    state: 'ACCEPTED',
    version: 1,
    createdAt: now,
    updatedAt: now,
  };
}

const PATTERNS_COMPARED = 100;

async function nearestPatterns(ports: Needs, { sourceType, targetType }: StartRun): Promise<readonly Pattern[]> {
  const listed = await ports.catalog.patterns({ limit: PATTERNS_COMPARED });
  const all = listed.kind === 'page' ? listed.page.items : [];
  const sharing = all.filter((pattern) => pattern.sourceType === sourceType || pattern.targetType === targetType);
  return (sharing.length > 0 ? sharing : all).slice(0, 10);
}
