/** What the commands about jobs that report themselves have in common: by which token, JSON as a flag, and whose job it is. */
import type { AnyJobView } from '#contract/any-job-view';
import { jsonFaults } from '#contract/strict-json';
import { EventTaken } from '#contract/job-views';
import type { RegisterJobRequest } from '#contract/job-requests';
import { JobView } from '#contract/views';
import type { ReportingJob } from '#client/reporting-job';
import { CommandFailure, UsageError, type Context, type Flag, type Invocation } from './command.ts';

export const REPORTED_JOB = '107c0b51-5c0e-5b7c-9d5e-0a4f3b6d2e11';
export const JOB_EVENTS = EventTaken.shape.name.options;

export const JOB_STATES = JobView.shape.state.options;

/** Of the flag `--state`, in any case of letters. */
export function jobStateFlag(invocation: Invocation): JobView['state'] | undefined {
  const asked = invocation.text('state');
  const state = JOB_STATES.find((known) => known === asked?.toUpperCase());
  if (asked === undefined || state !== undefined) return state;
  throw new UsageError(`--state knows no "${asked}"; it takes ${JOB_STATES.join(', ').toLowerCase()}`);
}

/** No flag takes the token itself: what stands in a command line is seen by everybody on the machine. */
export const JOB_TOKEN_FLAGS: Readonly<Record<string, Flag>> = {
  'token-file': { value: 'FILE', help: 'file with the token of the job (SLUICE_JOB_TOKEN has the token itself)' },
};

export const JOB_TOKEN_NOTES = `It is done with the token of the job where one is given (--token-file, else SLUICE_JOB_TOKEN), and else with
the API token; --token, given beside SLUICE_JOB_TOKEN, is the one that is used.`;

type JsonObject = NonNullable<RegisterJobRequest['data']>;

/** By the job's own token where there is one. */
export function reporting(context: Context, invocation: Invocation): ReportingJob {
  const id = invocation.operands[0] ?? '';
  const file = invocation.text('token-file');
  if (file !== undefined && invocation.has('token')) throw new UsageError('--token-file and --token are two tokens; one is used');
  const own = file === undefined ? (invocation.has('token') ? undefined : context.jobToken) : textOfFile(context, file).trim();
  if (own !== undefined && !own.startsWith('slj_')) {
    const where = file === undefined ? 'SLUICE_JOB_TOKEN' : file;
    throw new UsageError(`${where} holds no token of a job; those begin with slj_`);
  }
  return context.client.attach(id, own);
}

export function textOfFile({ readText }: Context, file: string): string {
  try {
    return readText(file);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : `${file} cannot be read`);
  }
}

/** A flag whose value is a JSON object, or the file that holds it. */
export function objectFlag(context: Context, invocation: Invocation, flag: string): JsonObject | undefined {
  const given = invocation.text(flag);
  if (given === undefined) return undefined;
  const text = given.startsWith('@') ? textOfFile(context, given.slice(1)) : given;
  const value = parsed(text.replace(/^\uFEFF/, ''));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`--${flag} must be a JSON object, as '{"step":"aligned"}', or @FILE`);
  const [fault] = jsonFaults(text);
  if (fault) throw new UsageError(`--${flag}: ${fault.pointer} ${fault.message}`);
  return value as JsonObject;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Of a flag that may be given several times. */
export const valuesOf = ({ given }: Invocation, flag: string): readonly string[] =>
  given.flatMap(({ name, value = '' }) => (name === flag ? [value] : []));

/** What only a job of a run has: `lacks` says what one that reports itself does not have. */
export function ofRun(job: AnyJobView, what: string, lacks: string): JobView {
  if (!('kind' in job)) return job;
  const why = `${job['job-id']} reports itself: ${lacks}`;
  throw new CommandFailure(2, { what, why, next: `sluice job view ${job['job-id']} shows what there is.` });
}
