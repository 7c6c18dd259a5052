/** Tokens of jobs: issued, looked at, revoked, and held against what somebody presents. */
import { epochMs, instant, parseAnyJobId, parseJobId, parseReportedJobId, type AnyJobId } from '#domain/ids';
import type { JobEventName } from '#domain/job-state';
import { isActive, isOf, tokenAttempt, useToRecord, type JobToken, type JobTokenUse, type TokenJob } from '#domain/job-token';
import type { Ports } from './ports.ts';

type Stores = Pick<Ports, 'runs' | 'jobs' | 'reportedJobs'>;
type Needs = Stores & Pick<Ports, 'clock' | 'jobTokens' | 'tokenSecrets' | 'jobPolicy'>;

export interface IssuedToken {
  readonly token: JobToken;
  /** Shown once, and kept nowhere. */
  readonly text: string;
}

interface TokenWish {
  readonly by: string;
  readonly events?: readonly JobEventName[];
  readonly seconds?: number;
}

export function newJobToken(
  { clock, tokenSecrets, jobPolicy }: Pick<Ports, 'clock' | 'tokenSecrets' | 'jobPolicy'>,
  job: TokenJob,
  { by, events, seconds = jobPolicy.tokenSeconds }: TokenWish,
): IssuedToken {
  const id = tokenSecrets.newTokenId();
  const secret = tokenSecrets.newSecret();
  const issuedAt = clock.now();
  const token: JobToken = {
    id,
    secretDigest: tokenSecrets.digest(secret),
    ...(events ? { events } : {}),
    attempt: tokenAttempt(job),
    ...(job.registration === undefined ? {} : { registration: job.registration }),
    issuedAt,
    issuedBy: by,
    expiresAt: instant(epochMs(issuedAt) + seconds * 1000),
  };
  return { token, text: `slj_${id}.${secret}` };
}

/** What a token needs to know of its job, of either kind. Undefined: there is no such job, or no longer. */
async function tokenJob(ports: Stores, id: AnyJobId): Promise<TokenJob | undefined> {
  const ref = parseJobId(id);
  if (!ref) {
    const reported = parseReportedJobId(id);
    const job = reported && (await ports.reportedJobs.load(reported));
    return job?.deleted ? undefined : job;
  }
  const run = await ports.runs.load(ref.runId);
  if (!run || ref.index >= run.count) return undefined;
  // A job that its run has not made yet is about to be in its first attempt.
  return (await ports.jobs.load(ref, run.count)) ?? { state: 'CREATED', attempt: 1 };
}

export async function issueJobToken(ports: Needs, id: AnyJobId, wish: TokenWish): Promise<IssuedToken | undefined> {
  const job = await tokenJob(ports, id);
  if (!job) return undefined;
  const issued = newJobToken(ports, job, wish);
  await ports.jobTokens.put(id, issued.token);
  return issued;
}

export interface ListedToken {
  readonly token: JobToken;
  readonly isActive: boolean;
}

/** Oldest first; undefined where there is no such job. */
export async function listJobTokens(ports: Needs, id: AnyJobId): Promise<readonly ListedToken[] | undefined> {
  const job = await tokenJob(ports, id);
  if (!job) return undefined;
  const now = ports.clock.now();
  const tokens = await ports.jobTokens.list(id);
  return tokens.map((token) => ({ token, isActive: isActive(token, now) && isOf(token, job) }));
}

export async function revokeJobToken(ports: Needs, id: AnyJobId, tokenId: string, by: string): Promise<'revoked' | 'gone'> {
  if (!TOKEN_ID.test(tokenId)) return 'gone';
  return ports.jobTokens.revoke(id, tokenId, { at: ports.clock.now(), by });
}

export interface VerifiedToken {
  readonly job: AnyJobId;
  readonly token: JobToken;
  /** What is to be recorded of this use, if anything. */
  readonly use?: JobTokenUse;
}

const TOKEN_ID = /^[0-9a-f]{16}$/;
const TOKEN = /^slj_([0-9a-f]{16})\.([A-Za-z0-9_-]{43})$/;
/** In the place of what is not there: looked for and compared like anything else. */
const NO_JOB = '10700000-0000-5000-8000-000000000000' as AnyJobId;
const NO_TOKEN = '0'.repeat(16);
const LONGEST = 200;

/**
 * Whose token this is. A token that is wrong, of another job, or of a job that does not exist takes one read and one
 * comparison, and has no answer; so has one that has expired or was revoked, or whose job has begun another attempt or was
 * registered anew.
 */
export async function verifyJobToken(
  ports: Needs,
  { jobId, presented, from }: { readonly jobId: string; readonly presented: string; readonly from: string },
): Promise<VerifiedToken | undefined> {
  const [, tokenId = NO_TOKEN, secret = presented.slice(0, LONGEST)] = TOKEN.exec(presented) ?? [];
  const id = parseAnyJobId(jobId) ?? NO_JOB;
  const token = await ports.jobTokens.find(id, tokenId);
  const matches = ports.tokenSecrets.equal(ports.tokenSecrets.digest(secret), token?.secretDigest ?? ports.tokenSecrets.digest(''));
  const now = ports.clock.now();
  if (!token || !matches || !isActive(token, now)) return undefined;
  const job = await tokenJob(ports, id);
  if (!job || !isOf(token, job)) return undefined;
  const use = useToRecord(token, { at: now, from });
  return { job: id, token, ...(use ? { use } : {}) };
}
