/** What the state machines send to their Lambdas and get back: ids and control values, never state. */
import * as z from 'zod';
import { parseRunId, type RunId } from '#domain/ids';
import { RunRequest } from './run-request.ts';

const runId = z.string().transform((text, context): RunId => {
  const id = parseRunId(text);
  if (id !== undefined) return id;
  context.addIssue({ code: 'custom', message: 'is no run id' });
  return z.NEVER;
});

/** As Step Functions tells what it caught. */
const fault = z.object({ Error: z.string().nullish(), Cause: z.string().nullish() }).nullish();
export type CaughtFault = z.infer<typeof fault>;

export const AcceptedRunInput = z.strictObject({ runId });

/** What an execution may be started with: an accepted run, or a request as the API takes it. */
export const PlanRunInput = z.object({ execution: z.string(), input: z.union([AcceptedRunInput, RunRequest]) });

export interface PlanRunResult {
  /** Null where every set of the request has succeeded already, and there is no run. */
  readonly runId: RunId | null;
  readonly alreadyDriven: boolean;
  readonly attempt: number;
  /** Of the jobs that this attempt is about. */
  readonly count: number;
  /** Of these jobs; absent for all of the run. */
  readonly indexes?: readonly number[];
  readonly maxParallel: number;
}

/** An execution that began before children knew their attempt goes on without it. */
const childAttempt = z.int().min(1).exactOptional();
export const StartJobInput = z.object({ runId, index: z.int().min(0), attempt: childAttempt, taskToken: z.string().min(1) });
export const CloseJobInput = z.object({ runId, index: z.int().min(0), attempt: childAttempt, fault });
/** Without `watch` it is no loop that asks. */
export const PollRunInput = z.object({ runId, watch: z.int().min(1).exactOptional(), pushed: z.literal(true).exactOptional() });
export const FinishRunInput = z.object({ runId, attempt: z.int().min(1) });
/** Any input: an execution that was started with nonsense drives nothing, and closing it must not fail. */
const drivenRun = z.union([
  AcceptedRunInput,
  z
    .object({ 'user-id': z.string(), 'user-run-id': z.string() })
    .transform((body) => ({ userId: body['user-id'], userRunId: body['user-run-id'] })),
  z.unknown().transform(() => undefined),
]);

export const CloseRunInput = z.object({ execution: z.string(), input: drivenRun, fault });

/** EventBridge: `Step Functions Execution Status Change`. `input` is JSON text, and absent where it is too large. */
export const ExecutionStatusChange = z.object({
  detail: z.object({
    executionArn: z.string(),
    status: z.string(),
    input: z
      .string()
      .nullish()
      .transform((text): unknown => (text ? JSON.parse(text) : undefined))
      .pipe(drivenRun),
  }),
});

/** One line for a job's failure or a run's closing. Lambda's cause is JSON text with the function's message in it. */
export function faultMessage(caught: CaughtFault): string {
  const cause = caught?.Cause ?? '';
  return `${caught?.Error ?? 'unknown fault'}${cause === '' ? '' : `: ${functionMessage(cause)}`}`;
}

function functionMessage(cause: string): string {
  try {
    const parsed = z.object({ errorMessage: z.string() }).safeParse(JSON.parse(cause));
    return parsed.success ? parsed.data.errorMessage : cause;
  } catch {
    return cause;
  }
}
