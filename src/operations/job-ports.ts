/** The interfaces from the operations to the outside that are about jobs that report themselves, what is sent about jobs, and their tokens. */
import type { AnyJobId, Instant, ReportedJobId } from '#domain/ids';
import type { HistoryEntry } from '#domain/job';
import type { JobEventName, JobState } from '#domain/job-state';
import type { JobOutput, OutputIndex } from '#domain/job-output';
import type { JobToken, JobTokenUse } from '#domain/job-token';
import type { JobDefinition, ReportedJob } from '#domain/reported-job';
import type { Sha1 } from '#domain/typed-uuid';
import type { Listed, PageRequest } from './pages.ts';

export interface JobPorts {
  readonly reportedJobs: ReportedJobStore;
  readonly jobEvents: JobEventStore;
  readonly jobTokens: JobTokenStore;
  readonly jobOutputs: JobOutputStore;
  readonly tokenSecrets: TokenSecrets;
  readonly sha1: Sha1;
  readonly jobPolicy: JobPolicy;
}

export interface HistoryRequest extends PageRequest {
  readonly newestFirst?: boolean;
  /** Of the last event that is wanted; what was refused after it is left out. */
  readonly upTo?: number;
}

/** What an event was answered: whoever sends the same event again is answered the same. */
export interface EventAnswer {
  readonly eventId: string;
  /** Of what the event said: another event under its id is another thing. */
  readonly contentDigest: string;
  readonly name: JobEventName;
  /** Where a claim about a managed job was kept as another event than it was sent as. */
  readonly recordedAs?: JobEventName;
  readonly state: JobState;
  readonly sequence: number;
  readonly at: Instant;
  /** Of a refusal: what was allowed then. */
  readonly refused?: { readonly allowed: readonly JobEventName[]; readonly detail: string };
}

/** Written together with an event that somebody sent. A save conflicts where the event's id has an answer already. */
export interface SentEvent {
  /** Only where the sender gave the event an id. */
  readonly answer?: EventAnswer;
  readonly tokenUse?: JobTokenUse & { readonly tokenId: string };
}

export interface JobEventStore {
  /** Consistent. */
  answer(job: AnyJobId, eventId: string): Promise<EventAnswer | undefined>;
  /** Keeps a refusal after the event that it came after. `conflict` where the event's id has an answer already. */
  refuse(job: AnyJobId, entry: HistoryEntry, sent: SentEvent): Promise<'kept' | 'conflict'>;
  /** The event of that sequence. Consistent. */
  entry(job: AnyJobId, sequence: number): Promise<HistoryEntry | undefined>;
}

export interface NewReportedJob {
  readonly job: ReportedJob;
  readonly entry: HistoryEntry;
  readonly definition: JobDefinition;
  readonly token: JobToken;
}

export interface ReportedJobSave {
  readonly before: ReportedJob;
  readonly after: ReportedJob;
  readonly entries: readonly HistoryEntry[];
  readonly sent?: SentEvent;
  /** Issued with the change. */
  readonly token?: JobToken;
  /** In the place of what the job was registered with before. */
  readonly definition?: JobDefinition;
}

/** Every filter holds for every job of a page. */
export interface ReportedJobFilter {
  readonly pipeline?: string;
  readonly state?: JobState;
  readonly parent?: string;
}

/** A row of what is to be looked at at a time, or later. */
export interface JobRow {
  readonly id: ReportedJobId;
  readonly at: Instant;
}

/** Jobs that run elsewhere. Withdrawn and deleted ones are loaded, and are in no list. */
export interface ReportedJobStore {
  /** All or nothing: job, definition, first entry, token, place in the lists. */
  create(job: NewReportedJob): Promise<'created' | 'exists'>;
  /** Consistent. */
  load(id: ReportedJobId): Promise<ReportedJob | undefined>;
  definition(id: ReportedJobId): Promise<JobDefinition | undefined>;
  /**
   * One conditional transaction: job, entries, place in the lists, and what was sent with it. `conflict` where the job has
   * moved since it was read, and leaves no trace. The saved job has the next version.
   */
  save(change: ReportedJobSave): Promise<{ readonly kind: 'saved'; readonly job: ReportedJob } | { readonly kind: 'conflict' }>;
  /** Newest first. */
  list(filter: ReportedJobFilter, page: PageRequest): Promise<Listed<ReportedJob>>;
  history(id: ReportedJobId, page: HistoryRequest): Promise<Listed<HistoryEntry>>;
  /** Rows of jobs that may be overdue, the most overdue first, or those after one of them. A row is never later than its job is due; it may be earlier. */
  due(now: Instant, limit: number, after?: JobRow): Promise<readonly JobRow[]>;
  /** The row goes, or comes again at `to`. */
  settleDue(row: JobRow, to?: Instant): Promise<void>;
  /** Rows of deleted jobs that are to go. */
  expired(now: Instant, limit: number): Promise<readonly JobRow[]>;
  /** Every item of the job, its row last: what was interrupted is found again. */
  purge(row: JobRow): Promise<void>;
}

export interface JobTokenStore {
  /** Consistent: a revocation holds from the next request on. */
  find(job: AnyJobId, tokenId: string): Promise<JobToken | undefined>;
  /** In place of what is there: tokens have random ids. */
  put(job: AnyJobId, token: JobToken): Promise<void>;
  list(job: AnyJobId): Promise<readonly JobToken[]>;
  /** `gone` where there is no such token. */
  revoke(job: AnyJobId, tokenId: string, revocation: { readonly at: Instant; readonly by: string }): Promise<'revoked' | 'gone'>;
  recordUse(job: AnyJobId, tokenId: string, use: JobTokenUse): Promise<void>;
}

/** Outputs of one indexing replace those of the one before at once, when they are published. */
export interface JobOutputStore {
  /** Of the indexing that began with the event of that sequence. */
  put(job: ReportedJobId, sequence: number, outputs: readonly JobOutput[]): Promise<void>;
  /** Unless a later indexing was published already. What is older goes. */
  publish(job: ReportedJobId, index: OutputIndex): Promise<void>;
  /** The one that counts. Consistent. */
  index(job: ReportedJobId): Promise<OutputIndex | undefined>;
  /** In the order of their keys, as they are encoded; a cursor is good for one indexing. */
  list(job: ReportedJobId, index: OutputIndex, page: PageRequest): Promise<Listed<JobOutput>>;
}

/** Makes the random secrets of job tokens and compares them. (Secrets that somebody refers to are `Secrets` of ports.ts.) */
export interface TokenSecrets {
  /** 256 random bits, of the characters of base64url. */
  newSecret(): string;
  /** 64 random bits, in hexadecimal digits. */
  newTokenId(): string;
  /** Hex SHA-256. */
  digest(secret: string): string;
  /** In constant time, of two digests. */
  equal(digest: string, other: string): boolean;
}

export interface JobPolicy {
  /** How long a job's token holds, where nothing else is asked for. */
  readonly tokenSeconds: number;
  /** How long a deleted job is kept. */
  readonly retentionSeconds: number;
}
