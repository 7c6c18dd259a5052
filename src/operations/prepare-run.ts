/**
 * What a request would start: the template by its pattern, every set held against it, the sets that are left out, and a hash
 * that stands for all of it. A start does exactly this before it writes anything; a plan does this alone.
 */
import type { Instant, RunId, TemplateId } from '#domain/ids';
import type { JsonObject } from '#domain/json';
import { lockedKeys, type ParameterProblem } from '#domain/parameters';
import type { Pattern, Template } from '#domain/template';
import type { Ports } from './ports.ts';
import { setsSucceededSince } from './set-history.ts';

export interface RunDemand {
  readonly userId: string;
  readonly userRunId: string;
  readonly sourceType: string;
  readonly targetType: string;
  readonly sets: readonly JsonObject[];
  /** Instead of the newest version of the template that the pattern names: a clone may keep its original's. */
  readonly template?: { readonly id: TemplateId; readonly version?: number };
  /** Sets that have succeeded at that time or later are left out. */
  readonly skipSucceededSince?: Instant;
  readonly clonedFrom?: RunId;
}

/** A problem of one set: the pointer leads into the set of that index. */
export interface SetProblem extends ParameterProblem {
  readonly index: number;
}

export interface PreparedRun {
  readonly kind: 'prepared';
  readonly template: Template;
  /** What is to be started, each set with its place in the request. */
  readonly sets: readonly { readonly index: number; readonly set: JsonObject }[];
  /** Places of the sets that are left out. */
  readonly skipped: readonly number[];
  /** Hex SHA-256 over the request, the template's version and the sets that remain. */
  readonly planHash: string;
}

export type PrepareOutcome =
  | PreparedRun
  | { readonly kind: 'no-pattern'; readonly known: readonly Pattern[] }
  | { readonly kind: 'no-template'; readonly templateId: TemplateId }
  | { readonly kind: 'invalid-sets'; readonly problems: readonly SetProblem[]; readonly total: number };

type Needs = Pick<Ports, 'digest' | 'parameterSchemas' | 'catalog' | 'runs' | 'jobs'>;

/** An answer names this many problems at most; it says how many there are. */
const PROBLEMS_SHOWN = 1000;

/** The pattern that the demand goes by; none where it names its template. */
export async function patternOf({ catalog }: Pick<Ports, 'catalog'>, demand: RunDemand): Promise<Pattern | undefined> {
  return demand.template ? undefined : catalog.pattern(demand.sourceType, demand.targetType);
}

export async function prepareRun(ports: Needs, demand: RunDemand, pattern: Pattern | undefined): Promise<PrepareOutcome> {
  if (!pattern && !demand.template) return { kind: 'no-pattern', known: await nearestPatterns(ports, demand) };
  const templateId = demand.template?.id ?? pattern?.templateId;
  const template = templateId && (await ports.catalog.template(templateId, demand.template?.version));
  if (!template) return { kind: 'no-template', templateId: templateId as TemplateId };
  const problems = setProblems(ports, template, demand.sets);
  if (problems.length > 0) return { kind: 'invalid-sets', problems: problems.slice(0, PROBLEMS_SHOWN), total: problems.length };
  const { skipSucceededSince: since } = demand;
  const done = since === undefined ? new Set<number>() : await setsSucceededSince(ports, template, demand.sets, since);
  const skipped = [...done].toSorted((a, b) => a - b);
  return {
    kind: 'prepared',
    template,
    sets: [...demand.sets.entries()].flatMap(([index, set]) => (done.has(index) ? [] : [{ index, set }])),
    skipped,
    planHash: ports.digest({ request: demandDigest(ports, demand), templateId: template.id, version: template.version, skipped }),
  };
}

/** What a repeated request is compared by: all that the caller has said. */
export function demandDigest({ digest }: Pick<Ports, 'digest'>, demand: RunDemand): string {
  const { userId, userRunId, sourceType, targetType, sets, template, skipSucceededSince, clonedFrom } = demand;
  return digest({
    userId,
    userRunId,
    sourceType,
    targetType,
    sets,
    ...(template ? { template: { ...template } } : {}),
    ...(skipSucceededSince === undefined ? {} : { skipSucceededSince }),
    ...(clonedFrom === undefined ? {} : { clonedFrom }),
  });
}

export function setProblems(
  ports: Pick<Ports, 'parameterSchemas'>,
  template: Template,
  sets: readonly JsonObject[],
): readonly SetProblem[] {
  const found = ports.parameterSchemas.problems(template.parametersSchema, sets);
  return sets.flatMap((set, index) => {
    const locked = lockedKeys(template, set);
    const lockedPointers = new Set(locked.map(({ pointer }) => pointer));
    // A locked key is usually unknown to the schema as well: one problem is enough to mend it.
    const invalid = (found[index] ?? []).filter(({ pointer }) => !lockedPointers.has(pointer));
    return [...locked, ...invalid].map((problem) => ({ ...problem, index }));
  });
}

const PATTERNS_COMPARED = 100;

async function nearestPatterns(ports: Needs, { sourceType, targetType }: RunDemand): Promise<readonly Pattern[]> {
  const listed = await ports.catalog.patterns({ limit: PATTERNS_COMPARED });
  const all = listed.kind === 'page' ? listed.page.items : [];
  const sharing = all.filter((pattern) => pattern.sourceType === sourceType || pattern.targetType === targetType);
  return (sharing.length > 0 ? sharing : all).slice(0, 10);
}
