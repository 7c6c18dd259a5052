/**
 * How a call can go wrong. The names are literals, so that a bundler that renames classes does not rename them:
 * `error.name === 'ApiError'` holds across copies of this module where `instanceof` does not.
 */
import type { Problem, ProblemError, ProblemSlug } from '#contract/problems';

/** The service answered, and the answer is a refusal. `problem` is its document (RFC 9457). */
export class ApiError extends Error {
  override readonly name: 'ApiError' | 'EventRefused' = 'ApiError';
  readonly status: number;
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`${problem.title}: ${problem.detail}`);
    this.status = problem.status;
    this.problem = problem;
  }

  get errors(): readonly ProblemError[] {
    return this.problem.errors ?? [];
  }

  is(slug: ProblemSlug): boolean {
    return this.problem.type === `/problems/${slug}`;
  }
}

type JobState = NonNullable<Problem['state']>;
type JobEventName = NonNullable<Problem['allowed-events']>[number];

/** The job's state does not allow the event. Nothing has changed; the refusal stands in the job's history. */
export class EventRefused extends ApiError {
  override readonly name = 'EventRefused';
  readonly state: JobState;
  readonly allowedEvents: readonly JobEventName[];
  /** Of the last event that was applied; the refusal of an index or a reset does not tell it. */
  readonly sequence: number | undefined;

  constructor(problem: Problem, state: JobState, allowedEvents: readonly JobEventName[]) {
    super(problem);
    this.state = state;
    this.allowedEvents = allowedEvents;
    this.sequence = problem.sequence;
  }
}

/** What is thrown for a problem. */
export function errorOf(problem: Problem): ApiError {
  const { state, 'allowed-events': allowed } = problem;
  const isOfEvent = problem.type === '/problems/event-refused' && state !== undefined && allowed !== undefined;
  return isOfEvent ? new EventRefused(problem, state, allowed) : new ApiError(problem);
}

/** No answer came: nobody listens there, or the connection broke. `cause` is what `fetch` threw. */
export class ServiceUnreachable extends Error {
  override readonly name = 'ServiceUnreachable';
  readonly url: string;

  constructor(url: string, cause: unknown) {
    super(`no answer from ${url} (${reasonOf(cause)}); is the service running? npm start`, { cause });
    this.url = url;
  }
}

/** Something answered that is not Sluice, or a release that this client does not know. */
export class UnexpectedAnswer extends Error {
  override readonly name = 'UnexpectedAnswer';
  readonly status: number;

  constructor(method: string, url: string, status: number, what: string) {
    super(`${method} ${url} answered ${status} with ${what}; is this the address of a Sluice?`);
    this.status = status;
  }
}

/** `fetch` says "fetch failed"; what happened is in its cause. */
function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const { cause } = thrown;
  if (!(cause instanceof Error)) return thrown.message;
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  return cause.message || code || thrown.message;
}
