/**
 * Resets a reported job for another attempt: `reset`, its archive emptied, `ready`. Each of the three may be repeated, so a reset
 * that was interrupted anywhere is done again from its beginning: the job stays in RESET until its archive is empty, whatever
 * happens in between, and its history says why. Of several that are under way at once the last goes on, and the others stop: none
 * may still be at its archive when the next attempt writes there.
 */
import { archivePathText, parseArchivePath } from '#domain/archive-path';
import { Fault } from '#domain/faults';
import type { ReportedJobId } from '#domain/ids';
import type { JobState } from '#domain/job-state';
import type { ReportedJob } from '#domain/reported-job';
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
  | { readonly kind: 'reset'; readonly answer: EventAnswer; readonly removed: number }
  | { readonly kind: 'refused'; readonly answer: EventAnswer }
  | { readonly kind: 'failed'; readonly message: string; readonly mayPass: boolean }
  /** Another reset has begun meanwhile, or somebody has sent `ready`. */
  | { readonly kind: 'overtaken'; readonly state: JobState }
  | { readonly kind: 'not-found' | 'no-archives' };

type Needs = ReportNeeds & Pick<Ports, 'archives'>;

export async function resetJob(ports: Needs, { id, requestedBy: actor, keepArchive }: ResetJob): Promise<ResetOutcome> {
  if (!keepArchive && !ports.archives) return { kind: 'no-archives' };
  if (!(await ports.reportedJobs.load(id))) return { kind: 'not-found' };
  const begun = await sent(ports, { job: id, name: 'reset', actor });
  if (begun.refused) return { kind: 'refused', answer: begun };
  const isOurs = ({ sequence }: ReportedJob): boolean => sequence === begun.sequence;
  const goesOn = async (): Promise<boolean> => isOurs(await loaded(ports, id));
  const cleared = keepArchive ? ({ kind: 'cleared', removed: 0 } as const) : await clearedArchive(ports, id, goesOn);
  const latest = await loaded(ports, id);
  if (!isOurs(latest)) return { kind: 'overtaken', state: latest.state };
  if (cleared.kind === 'failed') {
    // In RESET there is no `update`; `reset` again is what may be said.
    await sent(ports, { job: id, name: 'reset', actor, data: { 'reset-failed': cleared.message } });
    return cleared;
  }
  const { removed } = cleared;
  const answer = await sent(ports, {
    job: id,
    name: 'ready',
    actor,
    data: keepArchive ? { 'archive-kept': true } : { 'files-removed': removed },
  });
  return answer.refused ? { kind: 'refused', answer } : { kind: 'reset', answer, removed };
}

type Cleared = { readonly kind: 'cleared'; readonly removed: number } | Extract<ResetOutcome, { kind: 'failed' }>;

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
