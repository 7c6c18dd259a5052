/**
 * Indexes a reported job: what lies in its archive becomes its outputs. `index`, the listing, `indexed`; a listing that fails
 * leaves the job in INDEXING with the reason in its history, and indexing it again begins anew. The outputs of the last indexing
 * that came to its end are listed until another one has: they are changed by one write.
 *
 * Whoever takes the `index` begins at once. What that does not bring to its end is begun anew by the sweep, with an `index` of
 * its own: at most TRIES times, and once if it was refused or would not end.
 */
import { parseArchivePath, baseName, type ArchivePath } from '#domain/archive-path';
import { Fault } from '#domain/faults';
import { epochMs, instant, type Instant, type ReportedJobId } from '#domain/ids';
import type { IndexingTry } from '#domain/job';
import type { JobOutput, OutputIndex } from '#domain/job-output';
import type { Json } from '#domain/json';
import { anyMatches, parseNamePattern, type NamePattern } from '#domain/name-pattern';
import { applyReported, isIndexDue, SWEEP, type Indexing } from '#domain/reported-job';
import type { ArchivedFile, Archives } from './archive-ports.ts';
import type { ReportNeeds } from './event-subjects.ts';
import type { EventAnswer } from './job-ports.ts';
import type { Ports } from './ports.ts';
import { definitionOf } from './register-job.ts';
import { sendReported, type SendEvent } from './send-event.ts';

export interface IndexJob {
  readonly id: ReportedJobId;
  /** Instead of those that the job was registered with. */
  readonly patterns?: readonly NamePattern[];
  readonly requestedBy: string;
  /** For how long it may be worked at. */
  readonly withinSeconds: number;
}

export type IndexOutcome =
  | { readonly kind: 'indexed'; readonly index: OutputIndex; readonly answer: EventAnswer }
  /** An event was: `index`, or `indexed` because somebody else has moved the job meanwhile. */
  | { readonly kind: 'refused'; readonly answer: EventAnswer }
  | { readonly kind: 'failed'; readonly message: string; readonly mayPass: boolean }
  /** It took longer, and is left to the sweep. */
  | { readonly kind: 'left' }
  | { readonly kind: 'not-found' | 'no-archives' };

export type IndexNeeds = ReportNeeds & Pick<Ports, 'jobOutputs'>;

export const OUTPUTS = 10_000;

export async function indexJob(ports: IndexNeeds, { id, patterns, requestedBy: actor, withinSeconds }: IndexJob): Promise<IndexOutcome> {
  const until = secondsFrom(ports.clock.now(), withinSeconds);
  if (!ports.archives) return { kind: 'no-archives' };
  if (!(await ports.reportedJobs.load(id))) return { kind: 'not-found' };
  const filter = patterns ?? (await registeredPatterns(ports, id));
  const begun = await sent(ports, { job: id, name: 'index', actor, data: { patterns: filter.map(({ text }) => text) } });
  if (begun.refused) return { kind: 'refused', answer: begun };
  return carriedOut(ports, { id, actor, sequence: begun.sequence, tries: 1, until }, () => Promise.resolve(filter));
}

/** Carries out an `index` that somebody has sent as an event. */
export async function indexAsSent(
  ports: IndexNeeds,
  { id, sequence, actor, withinSeconds }: Pick<IndexJob, 'id' | 'withinSeconds'> & { readonly sequence: number; readonly actor: string },
): Promise<IndexOutcome> {
  const until = secondsFrom(ports.clock.now(), withinSeconds);
  return carriedOut(ports, { id, actor, sequence, tries: 1, until }, () => wantedPatterns(ports, id, sequence));
}

/** Of an indexing that nobody has brought to its end, for whatever reason. */
const TRIES = 5;
/** Past any time that a sweep may be given: nobody begins it again before. */
const LEASE_SECONDS = 360;

/** Begins anew what nobody is indexing. One that has taken too long by itself, or too often, is not begun again. */
export async function indexAgain(
  ports: IndexNeeds,
  { id, withinSeconds }: Pick<IndexJob, 'id' | 'withinSeconds'>,
): Promise<IndexOutcome | { readonly kind: 'not-due' }> {
  const now = ports.clock.now();
  const job = await ports.reportedJobs.load(id);
  if (!job?.indexing || !isIndexDue(job, now)) return { kind: 'not-due' };
  const { sequence, tries } = job.indexing;
  const about = { id, actor: SWEEP, until: secondsFrom(now, withinSeconds) };
  if (!ports.archives) return failed(ports, { ...about, sequence, tries }, { message: 'no archives are configured', mayPass: false });
  if (tries >= TRIES)
    return failed(ports, { ...about, sequence, tries }, { message: `it was begun ${tries} times, and came to no end`, mayPass: false });
  const patterns = (await ports.jobEvents.entry(id, sequence))?.data?.['patterns'];
  const indexing: IndexingTry = { tries: tries + 1, dueAt: secondsFrom(now, LEASE_SECONDS) };
  const begun = applyReported(job, {
    name: 'index',
    at: now,
    actor: SWEEP,
    data: { ...(patterns === undefined ? {} : { patterns }), try: tries + 1 },
    indexing,
  });
  if (begun.kind === 'refused') return { kind: 'not-due' };
  // Of two sweeps one begins it.
  const saved = await ports.reportedJobs.save({ before: job, after: begun.job, entries: [begun.entry] });
  if (saved.kind === 'conflict') return { kind: 'not-due' };
  const again: Indexed = { ...about, sequence: begun.entry.sequence, tries: indexing.tries };
  const outcome = await carriedOut(ports, again, () => wantedPatterns(ports, id, again.sequence));
  if (outcome.kind !== 'left') return outcome;
  return failed(ports, again, {
    message: `it took longer than ${withinSeconds} s: leave fewer files below its archive path`,
    mayPass: false,
  });
}

/** One try of an indexing, which has begun. */
interface Indexed extends Pick<Indexing, 'sequence' | 'tries'> {
  readonly id: ReportedJobId;
  readonly actor: string;
  readonly until: Instant;
}

async function carriedOut(ports: IndexNeeds, indexed: Indexed, patterns: () => Promise<readonly NamePattern[]>): Promise<IndexOutcome> {
  const { id, actor } = indexed;
  const { archives } = ports;
  if (!archives) return { kind: 'no-archives' };
  const listed = await recorded(ports, archives, indexed, patterns);
  if (listed.kind === 'left') return listed;
  if (listed.kind === 'failed') return failed(ports, indexed, listed);
  const { count, sizeBytes } = listed.index;
  const answer = await sent(ports, { job: id, name: 'indexed', actor, data: { outputs: count, 'size-bytes': sizeBytes } });
  return answer.refused ? { kind: 'refused', answer } : { kind: 'indexed', index: listed.index, answer };
}

type Failed = Extract<IndexOutcome, { kind: 'failed' }>;

const FIRST_PAUSE_SECONDS = 60;

/** Says why in the history; what may pass is tried again by the sweep, ever later. */
async function failed(
  ports: IndexNeeds,
  { id, actor, sequence, tries }: Indexed,
  { message, mayPass }: Pick<Failed, 'message' | 'mayPass'>,
): Promise<Failed> {
  const dueAt = secondsFrom(ports.clock.now(), FIRST_PAUSE_SECONDS * 2 ** (tries - 1));
  const indexing: IndexingTry = { sequence, tries, ...(mayPass && tries < TRIES ? { dueAt } : {}) };
  const data = { 'index-failed': message, ...(indexing.dueAt === undefined ? {} : { 'tried-again-at': dueAt }) };
  await sent(ports, { job: id, name: 'update', actor, data, indexing });
  return { kind: 'failed', message, mayPass };
}

type Recorded = { readonly kind: 'recorded'; readonly index: OutputIndex } | { readonly kind: 'left' } | Failed;

async function recorded(
  ports: IndexNeeds,
  archives: Archives,
  { id, sequence, until }: Indexed,
  patterns: () => Promise<readonly NamePattern[]>,
): Promise<Recorded> {
  const isLate = (): boolean => ports.clock.now() >= until;
  try {
    // Before the listing: after a reset meanwhile, what was listed is not of the next attempt.
    const attempt = (await ports.reportedJobs.load(id))?.attempt ?? 1;
    const { archivePath } = await definitionOf(ports, id);
    const outputs = await outputsOf({ archives, path: pathOf(archivePath), filter: await patterns(), isLate });
    if (outputs === 'late') return { kind: 'left' };
    if (outputs.length > OUTPUTS)
      return { kind: 'failed', message: `there are more than ${OUTPUTS} outputs: give narrower patterns`, mayPass: false };
    for (let from = 0; from < outputs.length; from += WRITTEN_AT_ONCE) {
      if (isLate()) return { kind: 'left' };
      await ports.jobOutputs.put(id, sequence, outputs.slice(from, from + WRITTEN_AT_ONCE));
    }
    const sizeBytes = outputs.reduce((sum, output) => sum + output.sizeBytes, 0);
    const index: OutputIndex = { sequence, attempt, at: ports.clock.now(), count: outputs.length, sizeBytes };
    await ports.jobOutputs.publish(id, index);
    return { kind: 'recorded', index };
  } catch (error) {
    if (!(error instanceof Fault) || (error.name !== 'ArchiveRefused' && error.name !== 'ArchiveUnavailable')) throw error;
    return { kind: 'failed', message: error.message, mayPass: error.retryable };
  }
}

const WRITTEN_AT_ONCE = 500;
const CHECKSUMS_AT_ONCE = 8;

interface Listing {
  readonly archives: Archives;
  readonly path: ArchivePath;
  readonly filter: readonly NamePattern[];
  readonly isLate: () => boolean;
}

/** One more than the most is as good as all. */
async function outputsOf({ archives, path, filter, isLate }: Listing): Promise<readonly JobOutput[] | 'late'> {
  const files: ArchivedFile[] = [];
  for await (const file of archives.files(path)) {
    if (isLate()) return 'late';
    if (anyMatches(filter, baseName(file.key))) files.push(file);
    if (files.length > OUTPUTS) break;
  }
  const outputs: JobOutput[] = [];
  const remaining = files.slice(0, OUTPUTS + 1).values();
  const worker = async (): Promise<'done' | 'late'> => {
    for (const { checksum: told, ...file } of remaining) {
      if (isLate()) return 'late';
      const checksum = files.length > OUTPUTS ? '' : (told ?? (await archives.checksum(path, file.key)));
      // Undefined: gone since it was listed.
      if (checksum !== undefined) outputs.push({ ...file, checksum });
    }
    return 'done';
  };
  const ends = await Promise.all(Array.from({ length: CHECKSUMS_AT_ONCE }, worker));
  return ends.includes('late') ? 'late' : outputs;
}

async function sent(ports: IndexNeeds, event: SendEvent & { readonly job: ReportedJobId }): Promise<EventAnswer> {
  const outcome = await sendReported(ports, event);
  if (outcome.kind !== 'answered') throw new Fault('Vanished', `${event.job} has gone while it was indexed`);
  return outcome.answer;
}

/** Registering checks both. */
function pathOf(text: string): ArchivePath {
  const path = parseArchivePath(text);
  if (!path) throw new Fault('CorruptItem', `${text} is no archive path`);
  return path;
}

async function registeredPatterns(ports: IndexNeeds, id: ReportedJobId): Promise<readonly NamePattern[]> {
  const { archivePatterns = [] } = await definitionOf(ports, id);
  return archivePatterns.map((text) => {
    const parsed = parseNamePattern(text);
    if (parsed.kind === 'invalid') throw new Fault('CorruptItem', `the pattern ${text} ${parsed.message}`);
    return parsed.pattern;
  });
}

/** Those that the `index` names, else those that the job was registered with. */
async function wantedPatterns(ports: IndexNeeds, id: ReportedJobId, sequence: number): Promise<readonly NamePattern[]> {
  const named = (await ports.jobEvents.entry(id, sequence))?.data?.['patterns'];
  return Array.isArray(named) ? named.map(sentPattern) : registeredPatterns(ports, id);
}

/** Whoever sends an event may write into it what he likes. */
function sentPattern(text: Json): NamePattern {
  const parsed = typeof text === 'string' ? parseNamePattern(text) : ({ kind: 'invalid', message: 'is no text' } as const);
  if (parsed.kind === 'invalid') throw new Fault('ArchiveRefused', `the pattern ${JSON.stringify(text)} ${parsed.message}`);
  return parsed.pattern;
}

const secondsFrom = (at: Instant, seconds: number): Instant => instant(epochMs(at) + seconds * 1000);
