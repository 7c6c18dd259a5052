/** Small runs, each of which goes through other calls of start, poll, close and finish. */
import type { TemplateId } from '#domain/ids';
import type { JsonObject } from '#domain/json';
import { DEFAULT_LIMITS, type TemplateLimits } from '#domain/template';
import type { RunPlan } from '#hosts/control-hub-simulator/run-plan';
import { aTemplate } from '#test/domain/builders';
import type { PlannedAction, Scenario } from '#test/simulation/scenario';
import { FENCE_SECONDS, SETTLE_SECONDS, TEMPLATE_ID } from './hub-engine.ts';

export interface CrashScenario {
  readonly about: string;
  readonly scenario: Scenario;
  /** Of the instances that start first, whatever their parameters say. */
  readonly firstPlans: readonly Partial<RunPlan>[];
  /** What the jobs end as where nothing goes wrong, in a word each. */
  readonly ends: readonly string[];
}

export interface Described {
  readonly about: string;
  readonly sets: readonly JsonObject[];
  readonly ends: readonly string[];
  readonly limits?: Partial<TemplateLimits>;
  readonly deleteAfterCompletion?: boolean;
  readonly actions?: readonly Pick<PlannedAction, 'kind' | 'atSeconds'>[];
  readonly firstPlans?: readonly Partial<RunPlan>[];
}

/** By every job that succeeds. */
export const COUNTED = { input: 10, output: 9, error: 1 } as const;
const COUNTS = {
  SIMULATE_INPUT_RECORDS: String(COUNTED.input),
  SIMULATE_OUTPUT_RECORDS: String(COUNTED.output),
  SIMULATE_ERROR_RECORDS: String(COUNTED.error),
} as const;
export const set = (seconds: number, more: JsonObject = {}): JsonObject => ({ ...COUNTS, SIMULATE_SECONDS: String(seconds), ...more });

const FOREVER_SECONDS = 31 * 24 * 3600;

export function described({
  about,
  sets,
  ends,
  limits,
  deleteAfterCompletion = false,
  actions = [],
  firstPlans = [],
}: Described): CrashScenario {
  const template = aTemplate({
    id: 'tmpl_hub' as TemplateId,
    engine: 'control-hub',
    definition: { 'job-template-id': TEMPLATE_ID },
    limits: { ...DEFAULT_LIMITS, maxWaitSeconds: 3600, maxParallel: 10, ...limits },
    deleteAfterCompletion,
  });
  const scenario: Scenario = {
    templates: [template],
    requests: [{ atSeconds: 1, by: 'api', template: 0, userRunId: 'r1', sets, copies: 1 }],
    actions: actions.map((action) => ({ ...action, request: 0, index: 0, copies: 1 })),
    engineLimits: {},
    pollFloorSeconds: 10,
    fenceSeconds: FENCE_SECONDS,
    mostSkewMs: 0,
    childTimeoutSeconds: FOREVER_SECONDS,
    ticksPerWatch: 1500,
    // Faults are over when the plan is.
    faultsSeconds: 6 * 3600,
    longestJobSeconds: 0,
    settleSeconds: SETTLE_SECONDS,
  };
  return { about, scenario, firstPlans, ends };
}

export const SCENARIOS = {
  plain: described({ about: 'two jobs that succeed', sets: [set(20), set(35)], ends: ['FINISHED', 'FINISHED'] }),
  fails: described({
    about: 'a job that succeeds and one whose failure is to be acknowledged',
    sets: [set(20), set(20, { SIMULATE_END: 'INACTIVE_ERROR' })],
    ends: ['FINISHED', 'engine-error'],
  }),
  cancelled: described({
    about: 'two long jobs, and a run that is cancelled in their middle',
    sets: [set(3000), set(3000)],
    actions: [{ kind: 'cancel-run', atSeconds: 15 }],
    ends: ['cancelled', 'cancelled'],
  }),
  activating: described({
    about: 'a job that activates for longer than a stop is asked for politely, in a run that is cancelled meanwhile',
    sets: [set(3000, { SIMULATE_ACTIVATING_SECONDS: '120' })],
    actions: [{ kind: 'cancel-run', atSeconds: 15 }],
    ends: ['cancelled'],
  }),
  retried: described({
    about: 'a job that fails and is tried again by itself',
    sets: [set(20)],
    limits: { retries: { ...DEFAULT_LIMITS.retries, 'engine-error': { times: 1, backoffSeconds: 20 } } },
    firstPlans: [{ end: 'INACTIVE_RED' }],
    ends: ['FINISHED'],
  }),
  removed: described({
    about: 'a job whose instance is removed once its counts, which come late, are recorded',
    sets: [set(20, { SIMULATE_METRICS_SECONDS: '40' })],
    deleteAfterCompletion: true,
    ends: ['FINISHED'],
  }),
  paced: described({
    about: 'three jobs, two at a time, and one start in five seconds',
    sets: [set(20), set(20), set(20)],
    limits: { maxParallel: 2, startsPerSecond: 0.2 },
    ends: ['FINISHED', 'FINISHED', 'FINISHED'],
  }),
  long: described({ about: 'a job that takes longer than a start is fenced', sets: [set(400)], ends: ['FINISHED'] }),
} as const satisfies Readonly<Record<string, CrashScenario>>;

export type ScenarioName = keyof typeof SCENARIOS;
export const SCENARIO_NAMES = Object.keys(SCENARIOS) as readonly ScenarioName[];
