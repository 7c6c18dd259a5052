/**
 * Indexes a reported job: what lies in its archive becomes its outputs. `index`, the listing, `indexed`; a listing that fails
 * leaves the job in INDEXING with the reason in its history, and indexing it again begins anew. The outputs of the last indexing
 * that came to its end are listed until another one has: they are changed by one write.
 */
import { parseArchivePath, baseName, type ArchivePath } from '#domain/archive-path';
import { Fault } from '#domain/faults';
import type { ReportedJobId } from '#domain/ids';
import type { JobOutput, OutputIndex } from '#domain/job-output';
import { anyMatches, parseNamePattern, type NamePattern } from '#domain/name-pattern';
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
}

export type IndexOutcome =
  | { readonly kind: 'indexed'; readonly index: OutputIndex; readonly answer: EventAnswer }
  /** An event was: `index`, or `indexed` because somebody else has moved the job meanwhile. */
  | { readonly kind: 'refused'; readonly answer: EventAnswer }
  | { readonly kind: 'failed'; readonly message: string; readonly mayPass: boolean }
  | { readonly kind: 'not-found' | 'no-archives' };

type Needs = ReportNeeds & Pick<Ports, 'archives' | 'jobOutputs'>;

export const OUTPUTS = 10_000;

export async function indexJob(ports: Needs, { id, patterns, requestedBy: actor }: IndexJob): Promise<IndexOutcome> {
  const { archives, reportedJobs } = ports;
  if (!archives) return { kind: 'no-archives' };
  if (!(await reportedJobs.load(id))) return { kind: 'not-found' };
  const { archivePath, archivePatterns = [] } = await definitionOf(ports, id);
  const filter = patterns ?? archivePatterns.map(registered);
  const begun = await sent(ports, { job: id, name: 'index', actor, data: { patterns: filter.map(({ text }) => text) } });
  if (begun.refused) return { kind: 'refused', answer: begun };
  const listed = await recorded(ports, { id, archives, path: pathOf(archivePath), filter, sequence: begun.sequence });
  if (listed.kind === 'failed') {
    await sent(ports, { job: id, name: 'update', actor, data: { 'index-failed': listed.message } });
    return listed;
  }
  const { count, sizeBytes } = listed.index;
  const answer = await sent(ports, { job: id, name: 'indexed', actor, data: { outputs: count, 'size-bytes': sizeBytes } });
  return answer.refused ? { kind: 'refused', answer } : { kind: 'indexed', index: listed.index, answer };
}

interface Indexing {
  readonly id: ReportedJobId;
  readonly archives: Archives;
  readonly path: ArchivePath;
  readonly filter: readonly NamePattern[];
  readonly sequence: number;
}

type Recorded = { readonly kind: 'recorded'; readonly index: OutputIndex } | Extract<IndexOutcome, { kind: 'failed' }>;

async function recorded(ports: Needs, indexing: Indexing): Promise<Recorded> {
  const { id, sequence } = indexing;
  try {
    // Before the listing: after a reset meanwhile, what was listed is not of the next attempt.
    const attempt = (await ports.reportedJobs.load(id))?.attempt ?? 1;
    const outputs = await outputsOf(indexing);
    if (outputs.length > OUTPUTS)
      return { kind: 'failed', message: `there are more than ${OUTPUTS} outputs: give narrower patterns`, mayPass: false };
    await ports.jobOutputs.put(id, sequence, outputs);
    const sizeBytes = outputs.reduce((sum, output) => sum + output.sizeBytes, 0);
    const index: OutputIndex = { sequence, attempt, at: ports.clock.now(), count: outputs.length, sizeBytes };
    await ports.jobOutputs.publish(id, index);
    return { kind: 'recorded', index };
  } catch (error) {
    if (!(error instanceof Fault) || (error.name !== 'ArchiveRefused' && error.name !== 'ArchiveUnavailable')) throw error;
    return { kind: 'failed', message: error.message, mayPass: error.retryable };
  }
}

const CHECKSUMS_AT_ONCE = 8;

/** One more than the most is as good as all. */
async function outputsOf({ archives, path, filter }: Indexing): Promise<readonly JobOutput[]> {
  const files: ArchivedFile[] = [];
  for await (const file of archives.files(path)) {
    if (anyMatches(filter, baseName(file.key))) files.push(file);
    if (files.length > OUTPUTS) break;
  }
  const outputs: JobOutput[] = [];
  const remaining = files.slice(0, OUTPUTS + 1).values();
  const worker = async (): Promise<void> => {
    for (const { checksum: told, ...file } of remaining) {
      const checksum = files.length > OUTPUTS ? '' : (told ?? (await archives.checksum(path, file.key)));
      // Undefined: gone since it was listed.
      if (checksum !== undefined) outputs.push({ ...file, checksum });
    }
  };
  await Promise.all(Array.from({ length: CHECKSUMS_AT_ONCE }, worker));
  return outputs;
}

async function sent(ports: Needs, event: SendEvent & { readonly job: ReportedJobId }): Promise<EventAnswer> {
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

function registered(text: string): NamePattern {
  const parsed = parseNamePattern(text);
  if (parsed.kind === 'invalid') throw new Fault('CorruptItem', `the pattern ${text} ${parsed.message}`);
  return parsed.pattern;
}
