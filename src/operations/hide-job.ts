/** Takes a reported job out of sight: withdrawn before it ran, or deleted. It is kept, it is in no list, and it takes no events. */
import { Fault } from '#domain/faults';
import { epochMs, instant, type ReportedJobId } from '#domain/ids';
import { applyReported, isTerminal, notBefore, type ReportedJob } from '#domain/reported-job';
import type { JobState } from '#domain/job-state';
import { isOf, type JobToken } from '#domain/job-token';
import type { Ports } from './ports.ts';

type Needs = Pick<Ports, 'clock' | 'reportedJobs' | 'jobPolicy'>;

interface HideJob {
  readonly id: ReportedJobId;
  readonly requestedBy: string;
}

const ATTEMPTS = 16;

export type WithdrawOutcome =
  | { readonly kind: 'withdrawn'; readonly job: ReportedJob }
  /** It runs: `fail` is what ends it. Or it has ended. */
  | { readonly kind: 'running' | 'ended' | 'deleted'; readonly job: ReportedJob }
  /** `token-ended`: it is of an attempt, or of a registration, that is over. */
  | { readonly kind: 'not-found' | 'token-ended' };

/** Also where it was withdrawn before. The history says so as an `update`, because the contract knows no event for it. */
export async function withdrawJob(
  ports: Needs,
  { id, requestedBy: by, token }: HideJob & { readonly token?: JobToken },
): Promise<WithdrawOutcome> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const job = await ports.reportedJobs.load(id);
    if (!job) return { kind: 'not-found' };
    // The job may have begun another attempt since the token was looked at.
    if (token && !isOf(token, job)) return { kind: 'token-ended' };
    if (job.deleted) return { kind: 'deleted', job };
    if (job.withdrawn) return { kind: 'withdrawn', job };
    if (job.state !== 'CREATED') return { kind: isTerminal(job) ? 'ended' : 'running', job };
    const at = notBefore(ports.clock.now(), job);
    const told = applyReported(job, { name: 'update', at, actor: by, data: { withdrawn: true } });
    if (told.kind === 'refused') throw new Fault('CorruptItem', `${id} takes no update in CREATED`);
    const after: ReportedJob = { ...told.job, withdrawn: { at, by } };
    const saved = await ports.reportedJobs.save({ before: job, after, entries: [told.entry] });
    if (saved.kind === 'saved') return { kind: 'withdrawn', job: saved.job };
  }
  throw new Fault('StoreBusy', `${id} was changed by others ${ATTEMPTS} times in a row`);
}

export type DeleteOutcome =
  | { readonly kind: 'deleted'; readonly job: ReportedJob }
  /** Something may still be at work: it is to be failed, or reset, first. */
  | { readonly kind: 'at-work'; readonly job: ReportedJob }
  | { readonly kind: 'not-found' };

const AT_WORK: readonly JobState[] = ['RUNNING', 'INDEXING', 'VALIDATING'];

/** Also where it was deleted before. Its children stay: that they are children of it is part of what they are. */
export async function deleteJob(ports: Needs, { id, requestedBy: by }: HideJob): Promise<DeleteOutcome> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const job = await ports.reportedJobs.load(id);
    if (!job) return { kind: 'not-found' };
    if (job.deleted) return { kind: 'deleted', job };
    if (AT_WORK.includes(job.state)) return { kind: 'at-work', job };
    const at = ports.clock.now();
    const purgeAt = instant(epochMs(at) + ports.jobPolicy.retentionSeconds * 1000);
    const saved = await ports.reportedJobs.save({ before: job, after: { ...job, deleted: { at, by, purgeAt } }, entries: [] });
    if (saved.kind === 'saved') return { kind: 'deleted', job: saved.job };
  }
  throw new Fault('StoreBusy', `${id} was changed by others ${ATTEMPTS} times in a row`);
}
