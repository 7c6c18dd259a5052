/**
 * A job's token: `slj_<id>.<secret>` lets its holder send events for one job, and read that job. It holds for one attempt of one
 * registration: a reset ends what the attempts before it were told, and so does registering anew what was withdrawn.
 */
import { secondsBetween, type Instant } from './ids.ts';
import { JOB_EVENT_NAMES, type JobEventName, type JobState } from './job-state.ts';

export interface JobToken {
  readonly id: string;
  /** Hex SHA-256. The secret has 256 random bits, which need no slow hash. */
  readonly secretDigest: string;
  /** Absent: every event that needs no administrator. */
  readonly events?: readonly JobEventName[];
  /** The attempt that it was issued for. */
  readonly attempt: number;
  /** The registration that it was issued under; absent: the first. */
  readonly registration?: number;
  readonly issuedAt: Instant;
  readonly issuedBy: string;
  readonly expiresAt: Instant;
  readonly revoked?: { readonly at: Instant; readonly by: string };
  readonly lastUse?: JobTokenUse;
}

export interface JobTokenUse {
  readonly at: Instant;
  /** The sender's address. */
  readonly from: string;
}

/** Whoever may send these needs the scope `admin` of an API token. */
export const ADMIN_EVENTS: readonly JobEventName[] = ['reset', 'ready'];
export const TOKEN_EVENTS: readonly JobEventName[] = JOB_EVENT_NAMES.filter((name) => !ADMIN_EVENTS.includes(name));

export const permits = ({ events }: JobToken, name: JobEventName): boolean => (events ?? TOKEN_EVENTS).includes(name);

/** By the token alone; whether it is of its job as that stands is another question: `isOf`. */
export const isActive = ({ revoked, expiresAt }: JobToken, now: Instant): boolean => revoked === undefined && now < expiresAt;

/** The attempt that a token has to be of. From the reset on it is the next one, which nobody has begun yet. */
export const tokenAttempt = ({ state, attempt }: { readonly state: JobState; readonly attempt: number }): number =>
  state === 'RESET' ? attempt + 1 : attempt;

/** What a token is held against, of a job of either kind. */
export interface TokenJob {
  readonly state: JobState;
  readonly attempt: number;
  readonly registration?: number;
}

/** Whether it was issued for the job as that stands: for this attempt, and under this registration. */
export const isOf = (token: Pick<JobToken, 'attempt' | 'registration'>, job: TokenJob): boolean =>
  token.attempt === tokenAttempt(job) && (token.registration ?? 1) === (job.registration ?? 1);

const RECORD_SECONDS = 60;

/** At most once a minute, or when it comes from elsewhere: a use is a write. */
export function useToRecord({ lastUse }: JobToken, use: JobTokenUse): JobTokenUse | undefined {
  const isKnown = lastUse?.from === use.from && secondsBetween(lastUse.at, use.at) < RECORD_SECONDS;
  return isKnown ? undefined : use;
}
