/**
 * Asks Control Hub: one call at a time, with its credentials, within limits. This is the only layer that repeats a call. It does so
 * for calls whose effect may come twice and for those that certainly had none; what else went wrong is the caller's to look into.
 *
 *   answer                       outcome            repeated
 *   2xx                          answer
 *   429, Retry-After of a 503    no-answer          after that time, if it is short; nobody else asks meanwhile
 *   401                          no-answer          once, where the credentials have changed
 *   308 to an allowed host       its answer         there
 *   other 3xx, 308 elsewhere     no-answer
 *   other 4xx                    refused
 *   408, 5xx, nothing            no-answer          if that does no harm
 *   2xx that is no JSON          no-answer          if that does no harm
 */
import type { AllowedHosts } from './allowed-hosts.ts';
import { baseUrl } from './base-url.ts';
import { credentialHeaders, type CredentialSource, type HubCredentials } from './credentials.ts';
import { errorText } from './error-text.ts';
import { exchange, type Exchange, type ExchangeLimits, type HttpRequest, type Wire } from './exchange.ts';
import { rest } from './rest.ts';
import { retryBudget } from './retry-budget.ts';

export interface HubCall {
  readonly method: HttpRequest['method'];
  /** Below the base URL, with its segments encoded: `/jobrunner/rest/v1/jobs`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Whether a call whose effect is not known may be made again. */
  readonly repeatable: boolean;
}

export type HubAnswer =
  /** `body` is undefined where the answer had none. */
  | { readonly kind: 'answer'; readonly body: unknown }
  /** Control Hub understood, and will not. */
  | { readonly kind: 'refused'; readonly status: number; readonly code?: string; readonly message: string }
  | NoAnswer;

export interface NoAnswer {
  readonly kind: 'no-answer';
  readonly reason: string;
  /** It certainly had no effect. */
  readonly hadNoEffect: boolean;
  /** There was an answer, which cannot be used; asking for less may help. */
  readonly unusable?: true;
  /** Control Hub's own words beside a 5xx: it may mean what another service says by a 4xx. */
  readonly told?: { readonly code?: string; readonly message: string };
}

export interface HubClient {
  call(call: HubCall): Promise<HubAnswer>;
  /** The organization of the credentials, where they tell it. */
  organizationId(): Promise<string | undefined>;
  /** Takes the credentials out of a text that Control Hub has answered. */
  scrubbed(text: string): string;
}

export interface HubClientOptions extends Wire {
  readonly url?: string;
  readonly project?: string;
  readonly credentials: CredentialSource;
  readonly hosts: AllowedHosts;
  readonly nowMs: () => number;
  readonly pause: (ms: number) => Promise<void>;
  /** In [0, 1). */
  readonly random: () => number;
  readonly limits?: Partial<ExchangeLimits>;
}

const LIMITS: ExchangeLimits = { answerMs: 20_000, bodyMs: 20_000, bodyBytes: 16 * 1024 * 1024 };
const MOST_ATTEMPTS = 3;
const MOST_REDIRECTS = 2;
/** A rest that is shorter is waited for; for a longer one the caller comes back by itself. */
const PATIENCE_MS = 5000;
const BACKOFF = { firstMs: 250, mostMs: 4000 } as const;
/** Where a 429 or 503 does not say how long. */
const UNSAID_REST_MS = 2000;
/** Nobody rests for longer because of what a header says. */
const MOST_REST_MS = 60_000;
/** Whoever changes them keeps the last ones at most. */
const MOST_CREDENTIALS = 4;
/** Of one process. The rate of starts is the slots' business, this keeps a tick of ten thousand jobs from opening as many sockets. */
const CALLS_AT_ONCE = 16;
/** Apps that know projects. [C:SDK] Not `timeseries`. */
const WITH_PROJECT = /^\/(connection|jobrunner|notification|pipeline|pipelinestore|provisioning|scheduler|sequencing|sla|topology)\//;

export function hubClient(options: HubClientOptions): HubClient {
  const { credentials, pause, random, nowMs } = options;
  const limits = { ...LIMITS, ...options.limits };
  const resting = rest(options);
  const budget = retryBudget();
  const base = baseUrl(options.url, options.hosts, options, limits);
  const turns = turnstile(CALLS_AT_ONCE);
  /** What takes out the credentials that this process has used: a late text may repeat those from before a change. */
  const scrubs = new Map<string, HubCredentials['scrub']>();
  const scrub = (text: string): string => [...scrubs.values()].reduce((scrubbed, each) => each(scrubbed), text);

  async function call(wanted: HubCall): Promise<HubAnswer> {
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await turns(() => attempted(wanted));
      const again = outcome.kind === 'no-answer' && !outcome.final && (wanted.repeatable || outcome.hadNoEffect);
      if (!again || attempt >= MOST_ATTEMPTS || outcome.waitMs > PATIENCE_MS || !budget.take()) return told(outcome);
      const backoffMs = Math.min(BACKOFF.mostMs, BACKOFF.firstMs * 2 ** (attempt - 1)) * random();
      await pause(Math.ceil(outcome.waitMs + backoffMs));
    }
  }

  /** One attempt, and what it means for all the others. */
  async function attempted(wanted: HubCall): Promise<Attempted> {
    // Those who wait for the end of a rest do not all go at the same moment.
    for (let leftMs = resting.leftMs(); leftMs > 0; leftMs = resting.leftMs()) {
      if (leftMs > PATIENCE_MS) {
        return none(`left alone for ${Math.ceil(leftMs / 1000)} s more, because: ${resting.why}`, { hadNoEffect: true, final: true });
      }
      await pause(Math.ceil(leftMs + leftMs * random()));
    }
    const held = await resolved(() => credentials.current());
    if ('reason' in held) return none(held.reason, { hadNoEffect: true, final: true });
    const attempt = outcomeOf(await redirected(wanted, held));
    if (attempt.kind !== 'no-answer') {
      resting.answered();
      budget.succeeded();
    } else if (attempt.restMs !== undefined) resting.asked(attempt.restMs, attempt.reason);
    else if (attempt.isTrouble) resting.failed(attempt.reason);
    else resting.answered();
    return attempt.kind === 'no-answer' && attempt.unauthorized ? reauthorized(wanted, held, attempt) : attempt;
  }

  /** A token may have been changed since it was read. */
  async function reauthorized(wanted: HubCall, held: HubCredentials, first: Attempted): Promise<Attempted> {
    const renewed = await resolved(() => credentials.renewed());
    if ('reason' in renewed || (renewed.id === held.id && renewed.token === held.token)) return first;
    return outcomeOf(await redirected(wanted, renewed));
  }

  async function redirected(wanted: HubCall, held: HubCredentials): Promise<Exchange> {
    remember(held);
    let at = await base.of(held.organizationId);
    for (let redirects = 0; ; redirects += 1) {
      if ('reason' in at) return { kind: 'none', reason: at.reason, unsent: true, ...(at.final ? { final: true } : {}) };
      const reply = await exchange(options, requestOf(wanted, at.url, held, options.project), limits);
      if (reply.kind !== 'reply' || reply.status !== 308 || redirects >= MOST_REDIRECTS) return reply;
      at = base.moved(reply.headers.get('location'), wanted.path);
    }
  }

  function remember({ id, token, scrub: own }: HubCredentials): void {
    const key = JSON.stringify([id, token]);
    if (scrubs.has(key)) return;
    scrubs.set(key, own);
    const [oldest] = scrubs.keys();
    if (scrubs.size > MOST_CREDENTIALS && oldest !== undefined) scrubs.delete(oldest);
  }

  function outcomeOf(sent: Exchange): Attempted {
    if (sent.kind === 'none') {
      const { unsent, unusable, final } = sent;
      if (unusable) return none(sent.reason, { unusable, final: true });
      return none(sent.reason, { hadNoEffect: unsent, isTrouble: true, final: final === true });
    }
    const { status, text } = sent;
    if (status >= 200 && status < 300) return answerOf(text);
    const words = errorText(text, scrub);
    const reason = `Control Hub answered ${status}${words.message === '' ? '' : `: ${words.message}`}`;
    if (status === 401) return none(reason, { hadNoEffect: true, final: true, unauthorized: true });
    if (status >= 300 && status < 400) return none(`${reason} (a redirect that is not followed)`, { hadNoEffect: true, final: true });
    if (status === 429 || status === 503) {
      const restMs = Math.min(MOST_REST_MS, retryAfterMs(sent.headers.get('retry-after'), nowMs()) ?? UNSAID_REST_MS);
      // A gateway may say 503 after the service behind it has done its work.
      return none(reason, { hadNoEffect: status === 429, waitMs: restMs, restMs });
    }
    if (status === 408 || status >= 500) return none(reason, { hadNoEffect: false, isTrouble: true, told: words });
    return { kind: 'refused', status, ...words, message: words.message === '' ? reason : words.message };
  }

  return {
    call,
    async organizationId() {
      const held = await resolved(() => credentials.current());
      return 'reason' in held ? undefined : held.organizationId;
    },
    scrubbed: scrub,
  };
}

interface NotAnswered extends NoAnswer {
  /** Repeating it at once cannot help. */
  readonly final: boolean;
  readonly waitMs: number;
  /** It asked to be left alone. */
  readonly restMs?: number;
  /** It is not well, or not there. */
  readonly isTrouble: boolean;
  readonly unauthorized: boolean;
}
type Attempted = Exclude<HubAnswer, NoAnswer> | NotAnswered;

type Circumstances = Partial<Omit<NotAnswered, 'kind' | 'reason'>>;

const none = (reason: string, circumstances: Circumstances): NotAnswered => ({
  kind: 'no-answer',
  hadNoEffect: false,
  final: false,
  waitMs: 0,
  isTrouble: false,
  unauthorized: false,
  ...circumstances,
  reason,
});

function told(outcome: Attempted): HubAnswer {
  if (outcome.kind !== 'no-answer') return outcome;
  const { kind, reason, hadNoEffect, unusable, told: words } = outcome;
  return { kind, reason, hadNoEffect, ...(unusable ? { unusable } : {}), ...(words ? { told: words } : {}) };
}

function answerOf(text: string): Attempted {
  if (text.trim() === '') return { kind: 'answer', body: undefined };
  try {
    return { kind: 'answer', body: JSON.parse(text) as unknown };
  } catch {
    return none('the answer is no JSON', { unusable: true, final: true });
  }
}

function requestOf(wanted: HubCall, base: string, held: HubCredentials, project: string | undefined): HttpRequest {
  const url = new URL(`${base}${wanted.path}`);
  for (const [name, value] of Object.entries(wanted.query ?? {})) url.searchParams.set(name, value);
  if (project !== undefined && WITH_PROJECT.test(wanted.path)) url.searchParams.set('project', project);
  const { method, body } = wanted;
  return { url, method, headers: credentialHeaders(held), ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
}

/** Seconds, or a date as HTTP writes it. */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(header.trim()) ? Number(header) : NaN;
  const ms = Number.isNaN(seconds) ? Date.parse(header) - nowMs : seconds * 1000;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** What a secret store says may hold the name of a secret, never a secret. */
async function resolved<Value extends object>(read: () => Promise<Value>): Promise<Value | { readonly reason: string }> {
  try {
    return await read();
  } catch (error) {
    return { reason: `the credentials of Control Hub cannot be read: ${error instanceof Error ? error.message : 'unknown fault'}` };
  }
}

/** Lets so many through at once, in the order in which they came. */
function turnstile(most: number): <Result>(work: () => Promise<Result>) => Promise<Result> {
  let inside = 0;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (inside >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else inside += 1;
    try {
      return await work();
    } finally {
      // Whoever is next takes this place over.
      const next = waiting.shift();
      if (next) next();
      else inside -= 1;
    }
  };
}
