/** What is sent about a job, reported or managed: events, and callbacks of engines that can only call a URL. */
import { callbackEvent, storable } from '#contract/callback';
import { EVENT_BYTES, EventId, EventRequest } from '#contract/job-requests';
import { eventTaken } from '#contract/job-views';
import { parseAnyJobId, parseReportedJobId, type ReportedJobId, type RunId } from '#domain/ids';
import { JOB_EVENT_NAMES, type JobEventName } from '#domain/job-state';
import { ADMIN_EVENTS, permits, TOKEN_EVENTS } from '#domain/job-token';
import type { JsonObject } from '#domain/json';
import { allows } from '#hosts/lambda/authentication';
import { parseBody } from '#hosts/lambda/body';
import { httpHandler, routeWithJobToken, type JobRequest } from '#hosts/lambda/http';
import { actorOf, jobAccess, noSuchJob, notAuthenticated, presentedToken, tokenUseOf, type Holder } from '#hosts/lambda/job-access';
import { log } from '#hosts/lambda/log';
import { problem, reply, type HttpReply } from '#hosts/lambda/replies';
import { waitAtMost } from '#hosts/lambda/wait-at-most';
import { archivePorts, ports } from '#hosts/wiring';
import { indexAsSent } from '#operations/index-job';
import type { EventAnswer } from '#operations/job-ports';
import { sendManaged, sendReported, type SendEvent } from '#operations/send-event';

interface Sent {
  readonly name: JobEventName;
  readonly data?: JsonObject;
  readonly eventId?: string;
}

async function event(request: JobRequest): Promise<HttpReply> {
  const bytes = bytesOf(request);
  if (bytes.length > EVENT_BYTES) return tooLarge(bytes.length);
  const access = await jobAccess(request, tokenInBody(bytes));
  if ('reply' in access) return access.reply;
  const tokens = tokensOf(request, bytes);
  const text = textOf(bytes);
  const sent = text === undefined ? request.event : { ...request.event, body: redacted(text, tokens), isBase64Encoded: false };
  const parsed = parseBody(sent, EVENT.schema, { invalid: 'invalid-event' });
  if (parsed.kind === 'refused') return parsed.reply;
  const { name, data, id } = parsed.body;
  return send(request, access.holder, {
    name,
    ...(data ? { data: withoutTokens(data, tokens) } : {}),
    ...(id === undefined ? {} : { eventId: id }),
  });
}

async function callback(request: JobRequest): Promise<HttpReply> {
  const bytes = bytesOf(request);
  if (bytes.length > EVENT_BYTES) return tooLarge(bytes.length);
  const access = await jobAccess(request, tokenInBody(bytes));
  if ('reply' in access) return access.reply;
  const tokens = tokensOf(request, bytes);
  const contentType = request.header('content-type');
  const text = textOf(bytes);
  const kept = text === undefined ? bytes : Buffer.from(redacted(text, tokens));
  const said = callbackEvent({
    query: (name) => redactedOrAbsent(request.query(name), tokens),
    contentType,
    text: text === undefined ? undefined : kept.toString(),
    base64: kept.toString('base64'),
  });
  if (said.unknown !== undefined) {
    const message = `must be one of ${JOB_EVENT_NAMES.join(', ')}; what other systems say goes into status`;
    return problem('invalid-event', `event ${message}`, [{ pointer: 'event', rule: 'enum', message }]);
  }
  if (said.name === undefined) {
    const message = 'give status (or event) in the query, or status in a JSON body';
    return problem('invalid-event', message, [{ pointer: 'status', rule: 'required', message }]);
  }
  const id = redactedOrAbsent(request.query('id'), tokens);
  const data = storable(withoutTokens(said.data, tokens), kept.toString('base64'), contentType);
  return send(request, access.holder, { name: said.name, data, ...(id === undefined ? {} : { eventId: id }) });
}

async function send(request: JobRequest, holder: Holder, sent: Sent): Promise<HttpReply> {
  const eventId = sent.eventId ?? request.header('idempotency-key');
  const wrong = eventId === undefined ? undefined : EventId.safeParse(eventId).error?.issues[0];
  if (wrong)
    return problem('invalid-event', `the event's id ${wrong.message}`, [{ pointer: 'id', rule: 'format', message: wrong.message }]);
  const notAllowed = forbidden(holder, sent.name);
  if (notAllowed) return notAllowed;
  const job = parseAnyJobId(request.path('jobId'));
  if (job === undefined) return noSuchJob(request.path('jobId'));
  const tokenUse = tokenUseOf(holder);
  const reported = parseReportedJobId(job);
  const event: SendEvent = {
    job,
    name: sent.name,
    actor: actorOf(holder),
    ...(sent.data ? { data: sent.data } : {}),
    ...(eventId === undefined ? {} : { eventId }),
    ...(tokenUse ? { tokenUse } : {}),
    ...(holder.kind === 'job-token' ? { token: holder.verified.token } : {}),
  };
  const outcome = reported ? await sendReported(archivePorts(), { ...event, job: reported }) : await sendManaged(ports(), event);
  switch (outcome.kind) {
    case 'not-found':
      return noSuchJob(job);
    case 'not-ready':
      return problem('not-ready', 'its run is making its jobs; send the same event again in a moment');
    case 'token-ended':
      return notAuthenticated();
    case 'key-reused':
      return problem('key-reused', `the event id ${eventId ?? ''} was used before for another event of this job`);
    case 'answered':
      if (outcome.nudge !== undefined) await nudge(outcome.nudge);
      if (reported && sent.name === 'index' && !outcome.isRepeated && !outcome.answer.refused)
        await waitAtMost(ANSWERED_WITHIN_MS, index(reported, outcome.answer.sequence, event.actor));
      return answered(job, outcome.answer, outcome.isRepeated);
  }
}

function answered(jobId: string, answer: EventAnswer, isRepeated: boolean): HttpReply {
  const headers: Readonly<Record<string, string>> = isRepeated ? { 'idempotent-replayed': 'true' } : {};
  if (!answer.refused) return reply(200, eventTaken(jobId, answer), headers);
  const { detail, allowed } = answer.refused;
  const now = { ...eventTaken(jobId, answer), 'allowed-events': allowed };
  const refused = problem(
    'event-refused',
    `${detail}; allowed now: ${allowed.length > 0 ? allowed.join(', ') : 'nothing'}`,
    undefined,
    now,
  );
  return { ...refused, headers: { ...refused.headers, ...headers } };
}

function forbidden(holder: Holder, name: JobEventName): HttpReply | undefined {
  if (holder.kind === 'job-token') {
    const { token } = holder.verified;
    return permits(token, name) ? undefined : problem('not-allowed', `this token may send ${(token.events ?? TOKEN_EVENTS).join(', ')}`);
  }
  const needsAdmin = ADMIN_EVENTS.includes(name) && !allows(holder.caller, 'admin');
  return needsAdmin ? problem('not-allowed', `${name} needs a token with the scope admin`) : undefined;
}

/** What was said is kept; a look that cannot be had now is had by the watch loop. */
async function nudge(runId: RunId): Promise<void> {
  const { orchestrator, clock } = ports();
  try {
    await orchestrator.nudge(runId, clock.now());
  } catch (error) {
    log.warn('a nudge was not taken', { runId, error: error instanceof Error ? error : new Error(String(error)) });
  }
}

/** How long the sender of an `index` waits while it is carried out; what takes longer is left to the sweep. */
const INDEX_SECONDS = 3;
/** Also where the store hangs. */
const ANSWERED_WITHIN_MS = 4000;

/** The event has been taken, whatever becomes of it here: what fails stands in the history, and is tried again by the sweep. */
async function index(id: ReportedJobId, sequence: number, actor: string): Promise<void> {
  try {
    await indexAsSent(archivePorts(), { id, sequence, actor, withinSeconds: INDEX_SECONDS });
  } catch (error) {
    log.warn('an indexing is left to the sweep', { jobId: id, error: error instanceof Error ? error : new Error(String(error)) });
  }
}

/** A callback takes whatever an engine sends. */
const EVENT = { schema: EventRequest, optional: false, mostBytes: EVENT_BYTES };

const bytesOf = ({ event: { body, isBase64Encoded } }: JobRequest): Buffer => Buffer.from(body ?? '', isBase64Encoded ? 'base64' : 'utf8');

function tooLarge(bytes: number): HttpReply {
  return problem(
    'request-too-large',
    `the body has ${bytes} bytes; at most ${EVENT_BYTES} are taken: keep the rest elsewhere, and send where`,
  );
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function textOf(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Read before the body is looked at any closer: whoever has no token is told nothing about it. */
function tokenInBody(bytes: Buffer): string | undefined {
  if (!bytes.includes('"token"')) return undefined;
  try {
    const body = JSON.parse(bytes.toString()) as { readonly token?: unknown } | null;
    // Other systems have tokens of their own, which are no business of ours.
    return typeof body?.token === 'string' && body.token.startsWith('slj_') ? body.token : undefined;
  } catch {
    return undefined;
  }
}

/** What came with it as a token, whichever of them has opened the job: none is anybody's to read in the history. */
const tokensOf = (request: JobRequest, bytes: Buffer): readonly string[] =>
  [presentedToken(request), tokenInBody(bytes)].filter((token) => token !== undefined && token !== '') as readonly string[];
const redacted = (text: string, tokens: readonly string[]): string =>
  tokens.reduce((cleaned, token) => cleaned.replaceAll(token, '[token]'), text);
const redactedOrAbsent = (text: string | undefined, tokens: readonly string[]): string | undefined =>
  text === undefined ? undefined : redacted(text, tokens);

/** By its JSON written anew: a token that was sent with escapes in it is written without them there. */
const withoutTokens = (data: JsonObject, tokens: readonly string[]): JsonObject =>
  tokens.length === 0 ? data : (JSON.parse(redacted(JSON.stringify(data), tokens)) as JsonObject);

export const handler = httpHandler([
  routeWithJobToken('POST /v1/jobs/{jobId}/events', 'jobs:report', event, EVENT),
  routeWithJobToken('POST /v1/jobs/{jobId}/callback', 'jobs:report', callback),
]);
