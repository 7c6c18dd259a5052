/**
 * An event that somebody sends about a job, of either kind. It is applied in one conditional write, or refused, and a refusal
 * is kept in the history too; either way its sender is told how the job stands. The same event id again is answered as it was
 * the first time.
 */
import { Fault } from '#domain/faults';
import { parseJobId, type AnyJobId, type Instant, type ReportedJobId, type RunId } from '#domain/ids';
import { refusedEntryOf, type IndexingTry, type JobEvent, type Resetting } from '#domain/job';
import type { JobEventName } from '#domain/job-state';
import { isOf, type JobToken, type JobTokenUse } from '#domain/job-token';
import type { JsonObject } from '#domain/json';
import { notBefore } from '#domain/reported-job';
import { managedSubject, reportedSubject, type ReportNeeds, type SendNeeds, type SentNeeds, type Subject } from './event-subjects.ts';
import type { EventAnswer, SentEvent } from './job-ports.ts';

export interface SendEvent {
  readonly job: AnyJobId;
  readonly name: JobEventName;
  readonly data?: JsonObject;
  readonly eventId?: string;
  readonly actor: string;
  readonly tokenUse?: JobTokenUse & { readonly tokenId: string };
  /** By whose token it is sent. The job may have begun another attempt since that was looked at. */
  readonly token?: JobToken;
  readonly indexing?: IndexingTry;
  readonly resetting?: Resetting;
}

export type SendOutcome =
  | {
      readonly kind: 'answered';
      /** Also of a refusal. */
      readonly answer: EventAnswer;
      readonly isRepeated: boolean;
      /** A run whose engine has something to tell, by what was claimed about its job. */
      readonly nudge?: RunId;
    }
  /** `token-ended`: it is of an attempt, or of a registration, that is over. */
  | { readonly kind: 'not-found' | 'not-ready' | 'key-reused' | 'token-ended' };

/** Of many writers one is the first, in each round: the last of 32 comes through in the 32nd at the latest. */
const ATTEMPTS = 64;
const LONGEST_PAUSE_MS = 40;

/** About a job that reports itself. An `index` is to be carried out by whoever sent it or, later, by the sweep: see index-job.ts. */
export function sendReported(ports: ReportNeeds, request: SendEvent & { readonly job: ReportedJobId }): Promise<SendOutcome> {
  return sent(ports, request, () => reportedSubject(ports, request.job));
}

/** About a job of a run. */
export function sendManaged(ports: SendNeeds, request: SendEvent): Promise<SendOutcome> {
  const ref = parseJobId(request.job);
  return ref ? sent(ports, request, () => managedSubject(ports, ref)) : Promise.resolve({ kind: 'not-found' });
}

async function sent(ports: SentNeeds, request: SendEvent, read: () => Promise<Subject | 'not-found' | 'not-ready'>): Promise<SendOutcome> {
  const contentDigest = ports.digest({ name: request.name, data: request.data ?? null });
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const [subject, earlier] = await Promise.all([read(), earlierAnswer(ports, request)]);
    if (subject === 'not-found' || subject === 'not-ready') return { kind: subject };
    if (request.token && !isOf(request.token, subject.job)) return { kind: 'token-ended' };
    if (earlier)
      return earlier.contentDigest === contentDigest ? { kind: 'answered', answer: earlier, isRepeated: true } : { kind: 'key-reused' };
    const outcome = await tried(ports, request, subject, contentDigest);
    if (outcome) return outcome;
    await ports.clock.pause(ports.randomness.fraction() * LONGEST_PAUSE_MS);
  }
  throw new Fault('StoreBusy', `${request.job} was changed by others ${ATTEMPTS} times in a row`);
}

async function earlierAnswer({ jobEvents }: SentNeeds, { job, eventId }: SendEvent): Promise<EventAnswer | undefined> {
  return eventId === undefined ? undefined : jobEvents.answer(job, eventId);
}

/** Undefined: somebody else was faster. */
async function tried(ports: SentNeeds, request: SendEvent, subject: Subject, contentDigest: string): Promise<SendOutcome | undefined> {
  const { name, data, actor, eventId, indexing, resetting } = request;
  const at = notBefore(ports.clock.now(), subject.job);
  const event: JobEvent = {
    name,
    at,
    actor,
    ...(data ? { data } : {}),
    ...(eventId === undefined ? {} : { eventId }),
    ...(indexing ? { indexing } : {}),
    ...(resetting ? { resetting } : {}),
  };
  const taken = subject.take(event);
  switch (taken.kind) {
    case 'applied': {
      const { entry, recordedAs, nudge } = taken;
      const answer: EventAnswer = {
        eventId: entry.eventId,
        contentDigest,
        name,
        ...(recordedAs ? { recordedAs } : {}),
        state: entry.to,
        sequence: entry.sequence,
        at: entry.at,
      };
      const saved = await taken.save(sentWith(request, answer));
      return saved === 'saved' ? { kind: 'answered', answer, isRepeated: false, ...(nudge === undefined ? {} : { nudge }) } : undefined;
    }
    case 'refused': {
      const id = eventId ?? `${subject.id}#${subject.job.sequence}-${ports.randomness.newUlid(at)}`;
      const { allowed, detail } = taken;
      const answer = refusal({ eventId: id, contentDigest, name, at }, subject, { allowed, detail });
      const kept = await ports.jobEvents.refuse(subject.id, refusedEntryOf(subject.job, event, id), sentWith(request, answer));
      return kept === 'kept' ? { kind: 'answered', answer, isRepeated: false } : undefined;
    }
  }
}

function refusal(
  event: { readonly eventId: string; readonly contentDigest: string; readonly name: JobEventName; readonly at: Instant },
  { job: { state, sequence } }: Subject,
  refused: NonNullable<EventAnswer['refused']>,
): EventAnswer {
  return { ...event, state, sequence, refused };
}

/** Only an event that its sender can name again needs an answer that is kept. */
function sentWith({ eventId, tokenUse }: SendEvent, answer: EventAnswer): SentEvent {
  return { ...(eventId === undefined ? {} : { answer }), ...(tokenUse ? { tokenUse } : {}) };
}
