/** What a seed makes of the world: templates, who asks for what and when, and whose clock is how far off. */
import type { TemplateId } from '#domain/ids';
import type { JsonObject } from '#domain/json';
import type { Template, TemplateLimits } from '#domain/template';
import { aTemplate } from '#test/domain/builders';
import type { Random } from './random.ts';

export const ENGINE_NAMES = ['exact', 'fenced'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

export interface Scenario {
  readonly templates: readonly Template[];
  /** Pattern n names template n. */
  readonly requests: readonly PlannedRequest[];
  readonly actions: readonly PlannedAction[];
  readonly engineLimits: Readonly<Record<string, { readonly maxParallel?: number }>>;
  readonly pollFloorSeconds: number;
  readonly fenceSeconds: number;
  readonly settleSeconds: number;
  /** 0, or up to ten minutes. */
  readonly mostSkewMs: number;
  readonly childTimeoutSeconds: number;
  readonly ticksPerWatch: number;
  /** When faults stop, and users with them. */
  readonly faultsSeconds: number;
  readonly longestJobSeconds: number;
}

export interface PlannedRequest {
  readonly atSeconds: number;
  readonly by: 'api' | 'console';
  readonly template: number;
  readonly userRunId: string;
  readonly sets: readonly JsonObject[];
  /** How often the same is sent, all about the same time. */
  readonly copies: number;
}

const ACTIONS = [
  'cancel-run',
  'cancel-job',
  'retry',
  'retry-one',
  'retry-one',
  'clone',
  'duplicate',
  'stop-execution',
  'stop-watch',
  'nudge',
  'sweep',
] as const;

export interface PlannedAction {
  readonly atSeconds: number;
  readonly kind: (typeof ACTIONS)[number];
  readonly request: number;
  /** Chooses a job. */
  readonly index: number;
  readonly copies: number;
}

export function scenarioOf(random: Random): Scenario {
  const faultsSeconds = random.between(600, 4800);
  const engineNames = ENGINE_NAMES;
  const templates = Array.from({ length: 1 + random.below(2) }, (_, number) =>
    aTemplate({
      id: `tmpl_${number}` as TemplateId,
      engine: random.pick(engineNames),
      limits: limitsOf(random),
      deleteAfterCompletion: random.chance(0.3),
    }),
  );
  const requests = Array.from({ length: 1 + random.below(4) }, (_, number): PlannedRequest => {
    const count = 1 + random.below(random.chance(0.5) ? 4 : 12);
    return {
      atSeconds: random.chance(0.5) ? random.between(0, 60) : random.between(0, faultsSeconds / 2),
      by: random.chance(0.85) ? 'api' : 'console',
      template: random.below(templates.length),
      userRunId: `r${number}`,
      sets: Array.from({ length: count }, (_unused, index) => ({ SET: index })),
      copies: random.chance(0.8) ? 1 : 2 + random.below(2),
    };
  });
  const actions = Array.from({ length: random.below(9) }, (): PlannedAction => ({
    atSeconds: random.between(1, faultsSeconds),
    kind: random.pick(ACTIONS),
    request: random.below(requests.length),
    index: random.below(12),
    copies: random.chance(0.8) ? 1 : 2,
  }));
  return {
    templates,
    requests,
    actions,
    engineLimits: random.chance(0.2) ? { [random.pick(engineNames)]: { maxParallel: 1 + random.below(4) } } : {},
    pollFloorSeconds: random.pick([10, 30, 60]),
    fenceSeconds: random.pick([30, 90, 300]),
    settleSeconds: random.pick([0, 60, 600]),
    mostSkewMs: random.chance(0.3) ? 600_000 : 0,
    childTimeoutSeconds: random.chance(0.1) ? random.between(60, 900) : 31 * 24 * 3600,
    ticksPerWatch: random.chance(0.3) ? 3 + random.below(20) : 1500,
    faultsSeconds,
    longestJobSeconds: random.pick([20, 120, 600]),
  };
}

function limitsOf(random: Random): TemplateLimits {
  const rule = (): { readonly times: number; readonly backoffSeconds: number } => ({
    times: 1 + random.below(2),
    backoffSeconds: random.pick([0, 10, 120]),
  });
  const reasons = ['lost', 'engine-error', 'start-failed', 'timed-out'] as const;
  return {
    maxWaitSeconds: random.pick([60, 300, 900]),
    maxParallel: 1 + random.below(12),
    ...(random.chance(0.3) ? { maxParallelAcrossRuns: 1 + random.below(4) } : {}),
    ...(random.chance(0.15) ? { startsPerSecond: random.pick([0.05, 0.5, 5]) } : {}),
    retries: Object.fromEntries(reasons.flatMap((reason) => (random.chance(0.4) ? [[reason, rule()]] : []))),
  };
}
