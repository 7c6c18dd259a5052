/**
 * Resets a reported job for another attempt: `reset`, its archive emptied, `ready`. Each of the three may be repeated, so a reset
 * that was interrupted anywhere is done again from its beginning: the job stays in RESET until its archive is empty, whatever
 * happens in between, and its history says why. Of several that are under way at once the last goes on, and the others stop: none
 * may still be at its archive when the next attempt writes there. A reset whose process has died is gone on with by the sweep.
 */
import { counted } from '#domain/counted';
import { archivePathText, parseArchivePath } from '#domain/archive-path';
import { Fault } from '#domain/faults';
import { epochMs, instant, type Instant, type ReportedJobId } from '#domain/ids';
import type { JobEvent, Resetting } from '#domain/job';
import type { JobState } from '#domain/job-state';
import type { JsonObject } from '#domain/json';
import { applyReported, isResetDue, SWEEP, type ReportedJob } from '#domain/reported-job';
import type { ReportNeeds } from './event-subjects.ts';
import type { EventAnswer } from './job-ports.ts';
import type { Ports } from './ports.ts';
import { definitionOf } from './register-job.ts';
import { sendReported, type SendEvent } from './send-event.ts';

export interface ResetJob {
  readonly id: ReportedJobId;
  readonly requestedBy: string;
  /** The files of the attempts so far stay. */
  readonly keepArchive: boolean;
}

export type ResetOutcome =
  | { readonly kind: 'reset'; readonly answer: Pick<EventAnswer, 'state' | 'sequence'>; readonly removed: number }
  | { readonly kind: 'refused'; readonly answer: EventAnswer }
  | { readonly kind: 'failed'; readonly message: string; readonly mayPass: boolean }
  /** Another reset has begun meanwhile, or somebody has sent `ready`. */
  | { readonly kind: 'overtaken'; readonly state: JobState }
  | { readonly kind: 'not-found' | 'no-archives' };

type Needs = ReportNeeds & Pick<Ports, 'archives'>;

/** Longer than any request or sweep may take: nobody else goes on with it before. */
const LEASE_SECONDS = 360;
const TRIES = 5;
const FIRST_PAUSE_SECONDS = 60;

export async function resetJob(ports: Needs, { id, requestedBy: actor, keepArchive }: ResetJob): Promise<ResetOutcome> {
  if (!keepArchive && !ports.archives) return { kind: 'no-archives' };
  if (!(await ports.reportedJobs.load(id))) return { kind: 'not-found' };
  const resetting = leased(ports, { keepArchive, tries: 1 });
  const begun = await sent(ports, { job: id, name: 'reset', actor, resetting });
  if (begun.refused) return { kind: 'refused', answer: begun };
  // Who asked is told what fails, and asks again.
  return carriedOut(ports, { id, actor, sequence: begun.sequence, resetting }, () => undefined);
}

/** Goes on with a reset that somebody has begun, and nobody ends. What may pass is tried again later, a few times. */
export async function resetAgain(
  ports: Needs,
  { id, withinSeconds }: Pick<ResetJob, 'id'> & { readonly withinSeconds: number },
): Promise<ResetOutcome | { readonly kind: 'not-due' }> {
  const now = ports.clock.now();
  const job = await ports.reportedJobs.load(id);
  if (!job?.resetting || !isResetDue(job, now)) return { kind: 'not-due' };
  const { keepArchive, tries } = job.resetting;
  if (!keepArchive && !ports.archives) return { kind: 'no-archives' };
  if (tries >= TRIES)
    return failed(ports, { job, actor: SWEEP }, { message: `it was begun ${tries} times, and came to no end`, mayPass: false });
  const resetting = leased(ports, { keepArchive, tries: tries + 1 });
  // One that was made ready meanwhile is not to be reset again.
  const begun = await moved(ports, job, { name: 'reset', actor: SWEEP, data: { try: tries + 1 }, resetting });
  if (!begun) return { kind: 'not-due' };
  const again = { id, actor: SWEEP, sequence: begun.sequence, resetting, until: secondsFrom(now, withinSeconds) };
  return carriedOut(ports, again, ({ mayPass }) =>
    mayPass && resetting.tries < TRIES
      ? { ...resetting, dueAt: secondsFrom(ports.clock.now(), FIRST_PAUSE_SECONDS * 2 ** (resetting.tries - 1)) }
      : undefined,
  );
}

/** A reset that has begun with the event of that sequence. */
interface Begun {
  readonly id: ReportedJobId;
  readonly actor: string;
  readonly sequence: number;
  readonly resetting: Resetting;
  /** Absent: it may take its time. */
  readonly until?: Instant;
}

async function carriedOut(
  ports: Needs,
  { id, actor, sequence, resetting: { keepArchive }, until }: Begun,
  again: (failed: Failed) => Resetting | undefined,
): Promise<ResetOutcome> {
  const isOurs = (job: ReportedJob): boolean => job.sequence === sequence;
  const time = { isOver: false };
  const goesOn = async (): Promise<boolean> => {
    time.isOver ||= until !== undefined && ports.clock.now() >= until;
    return !time.isOver && isOurs(await loaded(ports, id));
  };
  const cleared = keepArchive ? ({ kind: 'cleared', removed: 0 } as const) : await clearedArchive(ports, id, goesOn);
  const latest = await loaded(ports, id);
  if (!isOurs(latest)) return { kind: 'overtaken', state: latest.state };
  if (cleared.kind === 'failed') return failed(ports, { job: latest, actor }, cleared, again(cleared));
  const { removed } = cleared;
  if (time.isOver) {
    const late: Pick<Failed, 'message' | 'mayPass'> = {
      message: `its time was over when ${counted(removed, 'file was', 'files were')} removed`,
      mayPass: true,
    };
    return failed(ports, { job: latest, actor }, late, again({ kind: 'failed', ...late }));
  }
  const data: JsonObject = keepArchive ? { 'archive-kept': true } : { 'files-removed': removed };
  const ready = await moved(ports, latest, { name: 'ready', actor, data });
  return ready ? { kind: 'reset', answer: ready, removed } : { kind: 'overtaken', state: (await loaded(ports, id)).state };
}

/** Says why in the history, and who goes on. */
async function failed(
  ports: Needs,
  { job, actor }: { readonly job: ReportedJob; readonly actor: string },
  { message, mayPass }: Pick<Failed, 'message' | 'mayPass'>,
  again?: Resetting,
): Promise<Failed> {
  const data = { 'reset-failed': message, ...(again ? { 'tried-again-at': again.dueAt } : {}) };
  // In RESET there is no `update`; `reset` again is what may be said.
  await moved(ports, job, { name: 'reset', actor, data, ...(again ? { resetting: again } : {}) });
  return { kind: 'failed', message, mayPass };
}

/** From where the job was read to stand, and from nowhere else: undefined where somebody else has moved it meanwhile. */
async function moved(ports: Needs, before: ReportedJob, event: Omit<JobEvent, 'at'>): Promise<ReportedJob | undefined> {
  const outcome = applyReported(before, { ...event, at: ports.clock.now() });
  if (outcome.kind === 'refused') return undefined;
  const saved = await ports.reportedJobs.save({ before, after: outcome.job, entries: [outcome.entry] });
  return saved.kind === 'saved' ? saved.job : undefined;
}

function leased({ clock }: Needs, resetting: Omit<Resetting, 'dueAt'>): Resetting {
  return { ...resetting, dueAt: secondsFrom(clock.now(), LEASE_SECONDS) };
}

const secondsFrom = (at: Instant, seconds: number): Instant => instant(epochMs(at) + seconds * 1000);

type Failed = Extract<ResetOutcome, { kind: 'failed' }>;
type Cleared = { readonly kind: 'cleared'; readonly removed: number } | Failed;

async function clearedArchive(ports: Needs, id: ReportedJobId, goesOn: () => Promise<boolean>): Promise<Cleared> {
  const { archivePath } = await definitionOf(ports, id);
  const path = parseArchivePath(archivePath);
  if (!path) throw new Fault('CorruptItem', `${archivePath} is no archive path`);
  try {
    return { kind: 'cleared', removed: (await ports.archives?.clear(path, goesOn)) ?? 0 };
  } catch (error) {
    if (!(error instanceof Fault) || (error.name !== 'ArchiveRefused' && error.name !== 'ArchiveUnavailable')) throw error;
    return { kind: 'failed', message: `${archivePathText(path)} was not emptied: ${error.message}`, mayPass: error.retryable };
  }
}

async function loaded({ reportedJobs }: Needs, id: ReportedJobId): Promise<ReportedJob> {
  const job = await reportedJobs.load(id);
  if (!job) throw vanished(id);
  return job;
}

const vanished = (id: string): Fault => new Fault('Vanished', `${id} has gone while it was reset`);

async function sent(ports: Needs, event: SendEvent & { readonly job: ReportedJobId }): Promise<EventAnswer> {
  const outcome = await sendReported(ports, event);
  if (outcome.kind !== 'answered') throw vanished(event.job);
  return outcome.answer;
}
