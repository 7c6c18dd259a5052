/**
 * One call to the service: sent, repeated where that is harmless, its answer parsed. A start is as harmless to repeat as a
 * read, because (user-id, user-run-id) names its run; a call that is not is sent once.
 */
import type * as z from 'zod';
import { Problem } from '#contract/problems';
import { errorOf, ServiceUnreachable, UnexpectedAnswer } from './errors.ts';
import type { Pace } from './pace.ts';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** From the service's root, with its query. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly repeatable: boolean;
  /** What the answer is, where it is not JSON: then its schema is given the text. A problem is JSON all the same. */
  readonly answer?: 'text/csv';
}

/** One part of a path. */
export const part = encodeURIComponent;

export const get = (path: string): Call => ({ method: 'GET', path, repeatable: true });

export interface Reply<Body> {
  readonly body: Body;
  readonly headers: Headers;
}

export interface TransportOptions {
  readonly url: string;
  readonly token?: string;
  readonly fetch: typeof fetch;
  readonly pace: Pace;
}

export type Transport = <Body>(call: Call, schema: z.ZodType<Body>) => Promise<Reply<Body>>;

/** Before the 2nd, 3rd and 4th try: a service that restarts is back, and one that is not running is reported soon. */
const PAUSES_MS = [100, 300, 900];
const LONGEST_RETRY_AFTER_SECONDS = 10;
/** Ten thousand sets are accepted within seconds; whoever says nothing for this long is gone. */
const ANSWER_WITHIN_MS = 60_000;

export function transport(options: TransportOptions): Transport {
  const base = options.url.replace(/\/+$/, '');
  return async (call, schema) => {
    const response = await sentWithRepeats(options, base, call);
    return { body: parsed(response, `${base}${call.path}`, call, schema), headers: response.headers };
  };
}

interface Received {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

async function sentWithRepeats(options: TransportOptions, base: string, call: Call): Promise<Received> {
  for (let tried = 0; ; tried += 1) {
    const pauseMs = call.repeatable ? PAUSES_MS[tried] : undefined;
    try {
      const received = await sent(options, base, call);
      const againMs = pauseMs === undefined ? undefined : repeatAfterMs(received, pauseMs);
      if (againMs === undefined) return received;
      await options.pace.wait(againMs);
    } catch (error) {
      if (pauseMs === undefined) throw new ServiceUnreachable(base, error);
      await options.pace.wait(pauseMs);
    }
  }
}

async function sent({ fetch, token }: TransportOptions, base: string, call: Call): Promise<Received> {
  const response = await fetch(`${base}${call.path}`, {
    method: call.method,
    headers: {
      accept: `${call.answer ?? 'application/json'}, application/problem+json`,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...call.headers,
    },
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  });
  // Read here: a connection that breaks within the body is a network failure as well.
  return { status: response.status, headers: response.headers, text: await response.text() };
}

/** Too many calls, the service is busy, or what stands before it has lost its answer. */
const WORTH_ANOTHER_TRY: readonly number[] = [429, 502, 503, 504];

/** How long to wait before the same call is worth another try; undefined where the answer stands. */
function repeatAfterMs({ status, headers, text }: Received, pauseMs: number): number | undefined {
  const accepting = status === 409 && text.includes('/problems/request-in-progress');
  if (!WORTH_ANOTHER_TRY.includes(status) && !accepting) return undefined;
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  if (!Number.isFinite(seconds)) return pauseMs;
  // Asked to come back much later: that is for the caller to decide.
  return seconds > LONGEST_RETRY_AFTER_SECONDS ? undefined : Math.max(0, seconds * 1000);
}

function parsed<Body>({ status, headers, text }: Received, url: string, { method, answer }: Call, schema: z.ZodType<Body>): Body {
  if (status >= 400) {
    const problem = Problem.safeParse(jsonOf(text));
    throw problem.success ? errorOf(problem.data) : new UnexpectedAnswer(method, url, status, 'no problem document');
  }
  if (answer !== undefined && !headers.get('content-type')?.startsWith(answer))
    throw new UnexpectedAnswer(method, url, status, `something else than ${answer}`);
  const body = schema.safeParse(answer === undefined ? jsonOf(text) : text);
  if (body.success) return body.data;
  const [issue] = body.error.issues;
  const where = issue === undefined ? '' : `: ${issue.path.join('.')}: ${issue.message}`;
  throw new UnexpectedAnswer(method, url, status, `a body that cannot be read${where}`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
