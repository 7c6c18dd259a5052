/**
 * What can be turned on a simulator: faults of the wire, behaviour that a real Control Hub shows at bad moments, and the choices that
 * its contract leaves open. docs/control-hub-simulator.md explains every one; a test compares.
 */
import * as z from 'zod';
import { RUN_ENDS } from './run-plan.ts';

const ms = z.number().min(0);
const often = z.number().int().min(0);

/** What happens to a call. `before`: the call has no effect; `after`: it has had its effect, and its answer is another. */
export const Fault = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('latency'), ms }),
  z.strictObject({
    kind: z.literal('answer'),
    when: z.enum(['before', 'after']).default('before'),
    status: z.number().int().min(200).max(599),
    code: z.string().default('SIMULATED'),
    message: z.string().default('a simulated failure'),
    /** Seconds, or a date as HTTP writes it. */
    retryAfter: z.string().optional(),
    location: z.string().optional(),
    body: z.enum(['issues', 'html', 'text', 'empty']).default('issues'),
  }),
  /** The connection closes without an answer. */
  z.strictObject({ kind: z.literal('drop'), when: z.enum(['before', 'after']).default('after') }),
  /** Never answered; takes effect so many milliseconds later (null: never). */
  z.strictObject({ kind: z.literal('hang'), effectAfterMs: ms.nullable() }),
  /** Takes effect twice; the first effect is answered. */
  z.strictObject({ kind: z.literal('twice') }),
  /** The right answer, spoilt on its way. */
  z.strictObject({ kind: z.literal('truncated') }),
  z.strictObject({ kind: z.literal('huge'), bytes: z.number().int().min(1).max(1_000_000_000) }),
  /** The first `jobs` job statuses of the answer (absent: all) get a status or a colour that no contract knows. */
  z.strictObject({ kind: z.literal('unknown-enum'), status: z.string().optional(), color: z.string().optional(), jobs: often.optional() }),
]);
export type Fault = z.infer<typeof Fault>;

/** Faults of the calls of one route, or of all (`*`); they are used up in the order in which they were given. */
const FaultRule = z.strictObject({
  route: z.string(),
  fault: Fault,
  /** For the next so many calls; absent: until it is taken away. */
  next: often.optional(),
  /** Lets so many calls pass first. */
  after: often.optional(),
});
export type FaultRule = z.infer<typeof FaultRule>;

/** What becomes of the runs that start next, whatever their parameters say. */
const PlanRule = z.strictObject({
  next: often.optional(),
  plan: z.strictObject({
    end: z.enum(RUN_ENDS).optional(),
    errorMessage: z.string().optional(),
    activatingMs: ms.optional(),
    queuedMs: ms.optional(),
    takesMs: ms.optional(),
    deactivatingMs: ms.optional(),
    streaming: z.boolean().optional(),
    inputRecords: often.optional(),
    outputRecords: often.optional(),
    errorRecords: often.optional(),
    metricsSettleMs: ms.nullable().optional(),
  }),
});

const color = z.enum(['GRAY', 'GREEN', 'RED']);

export const Switches = z.strictObject({
  faults: z.array(FaultRule).default([]),
  plans: z.array(PlanRule).default([]),
  searchDelayMs: ms.default(0),
  staleStartMs: ms.default(0),
  asyncStartMs: ms.default(0),
  movedTo: z.url().nullable().default(null),
  webhookDrops: often.default(0),
  webhookDuplicates: often.default(0),
  unknownIdsInBulkStatus: z.enum(['omitted', 'null', 'error']).default('omitted'),
  bulkLimit: z.number().int().min(1).nullable().default(null),
  bulkStatusHasCounts: z.boolean().default(true),
  neverStartedStatus: z.enum(['null', 'inactive']).default('null'),
  acknowledgedColor: color.default('GRAY'),
  forceStoppedColor: color.default('RED'),
  forceStoppedHasFinishTime: z.boolean().default(false),
  unsetTime: z.union([z.null(), z.literal(0)]).default(null),
  refusedActionStatus: z.number().int().min(400).max(599).default(400),
  stopOfInactive: z.enum(['refused', 'ignored']).default('refused'),
  forceStopWhileActivating: z.enum(['refused', 'allowed']).default('refused'),
  bulkActionWithRefusals: z.enum(['refused', 'skipped']).default('refused'),
  noMatchingEngine: z.enum(['refused', 'active-red']).default('refused'),
  staticParameterGiven: z.enum(['refused', 'ignored']).default('refused'),
  instanceName: z.string().default('{base} - {suffix}'),
  saqlWithoutLen: z.enum(['nothing', 'everything']).default('nothing'),
  logMessages: z.enum(['history', 'empty']).default('history'),
  statusChangeEventType: z.string().default('JOB_STATUS_CHANGE'),
});
export type Switches = z.infer<typeof Switches>;
export type SwitchSettings = z.input<typeof Switches>;
