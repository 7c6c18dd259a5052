/** What will become of one run of a job: decided when it starts, from parameters with documented names. */
import { refused } from './refusal.ts';

export const RUN_ENDS = [
  'success',
  'INACTIVE_RED',
  'INACTIVE_ERROR',
  'ACTIVATION_ERROR',
  'stuck-activating',
  'stuck-deactivating',
] as const;
export type RunEnd = (typeof RUN_ENDS)[number];

export interface RunPlan {
  readonly end: RunEnd;
  /** The engine's words where `end` is a failure. */
  readonly errorMessage: string;
  readonly activatingMs: number;
  /** ACTIVE RED with the warning JOBRUNNER_72 for so long, before it runs. */
  readonly queuedMs: number;
  /** From running to the end by itself. A streaming run passes its counts once in every such time. */
  readonly takesMs: number;
  readonly deactivatingMs: number;
  /** Goes on until it is stopped. */
  readonly streaming: boolean;
  readonly inputRecords: number;
  readonly outputRecords: number;
  readonly errorRecords: number;
  /** After the end, until the last counts are reported; null: no counts are ever reported. */
  readonly metricsSettleMs: number | null;
}

export const DEFAULT_PLAN: RunPlan = {
  end: 'success',
  errorMessage: 'RUN_ERROR - the simulated pipeline failed',
  activatingMs: 500,
  queuedMs: 0,
  takesMs: 5_000,
  deactivatingMs: 500,
  streaming: false,
  inputRecords: 1_000,
  outputRecords: 1_000,
  errorRecords: 0,
  metricsSettleMs: 2_000,
};

export type Parameters = Readonly<Record<string, unknown>>;

interface PlanParameter {
  readonly means: string;
  readonly read: (text: string) => Partial<RunPlan> | undefined;
}

const number = (text: string): number | undefined => (/^[0-9]+(?:\.[0-9]+)?$/.test(text) ? Number(text) : undefined);
const count = (text: string): number | undefined => (/^[0-9]+$/.test(text) ? Number(text) : undefined);
const milliseconds = (text: string): number | undefined => {
  const seconds = number(text);
  return seconds === undefined ? undefined : Math.round(seconds * 1000);
};
const field =
  <K extends keyof RunPlan>(key: K, value: (text: string) => RunPlan[K] | undefined) =>
  (text: string): Partial<RunPlan> | undefined => {
    const read = value(text);
    return read === undefined ? undefined : { [key]: read };
  };

/** The names stand in docs/control-hub-simulator.md; a test compares. */
export const PLAN_PARAMETERS: Readonly<Record<string, PlanParameter>> = {
  SIMULATE_SECONDS: { means: 'seconds that the pipeline runs', read: field('takesMs', milliseconds) },
  SIMULATE_INPUT_RECORDS: { means: 'input records', read: field('inputRecords', count) },
  SIMULATE_OUTPUT_RECORDS: { means: 'output records', read: field('outputRecords', count) },
  SIMULATE_ERROR_RECORDS: { means: 'error records', read: field('errorRecords', count) },
  SIMULATE_END: {
    means: `how it ends: ${RUN_ENDS.join(', ')}`,
    read: field('end', (text) => RUN_ENDS.find((end) => end === text)),
  },
  SIMULATE_ERROR_MESSAGE: { means: 'what a failed run says', read: (text) => ({ errorMessage: text }) },
  SIMULATE_STREAMING: {
    means: 'true: runs until it is stopped',
    read: field('streaming', (text) => (text === 'true' ? true : text === 'false' ? false : undefined)),
  },
  SIMULATE_ACTIVATING_SECONDS: { means: 'seconds in ACTIVATING', read: field('activatingMs', milliseconds) },
  SIMULATE_QUEUED_SECONDS: { means: 'seconds in ACTIVE RED with JOBRUNNER_72, before it runs', read: field('queuedMs', milliseconds) },
  SIMULATE_DEACTIVATING_SECONDS: { means: 'seconds in DEACTIVATING', read: field('deactivatingMs', milliseconds) },
  SIMULATE_METRICS_SECONDS: {
    means: 'seconds from the end to the last counts; never: no counts at all',
    read: (text) => (text === 'never' ? { metricsSettleMs: null } : field('metricsSettleMs', milliseconds)(text)),
  },
};

/**
 * The plan that parameters ask for; what they leave open is as in `defaults`.
 * @throws Refusal for a value that cannot be read: a misspelt plan would otherwise be a test of something else.
 */
export function plannedBy(parameters: Parameters, defaults: RunPlan): RunPlan {
  let plan = defaults;
  for (const [name, { means, read }] of Object.entries(PLAN_PARAMETERS)) {
    const value = parameters[name];
    if (value === undefined || value === null || value === '') continue;
    const part = read(typeof value === 'string' ? value : JSON.stringify(value));
    if (!part) throw refused(400, 'SIMULATOR_06', `${name} must be ${means}, not ${JSON.stringify(value)}`);
    plan = { ...plan, ...part };
  }
  return plan;
}
