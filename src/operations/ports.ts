/**
 * Every interface from the operations to the outside. Promises are part of the interface: what a conflict answers,
 * what absence answers, which reads are consistent. Stores throw `StoreBusy` and `CorruptItem`, the orchestrator
 * `OrchestratorUnavailable`, engines `EngineUnavailable`; nothing else of theirs passes inward.
 */
import type { DefinitionProblem, EngineJobStatus, EngineMetrics, EngineStart, EngineStartOutcome } from '#domain/engine-job';
import type { EngineJobId, EngineJobName, Instant, JobRef, RunId, TemplateId } from '#domain/ids';
import type { HistoryEntry, Job } from '#domain/job';
import type { Json, JsonObject } from '#domain/json';
import type { EffectiveParameters, ParameterProblem } from '#domain/parameters';
import type { Durations } from '#domain/durations';
import type { JobChange } from '#domain/job-change';
import type { Run, RunCounts } from '#domain/run';
import type { RunUsage } from '#domain/run-cost';
import type { RunFilter } from '#domain/run-filter';
import type { SlotLimits } from '#domain/slots';
import type { MetricSample, SampleRange } from '#domain/samples';
import type { Pattern, Template } from '#domain/template';
import type { Archives } from './archive-ports.ts';
import type { HistoryRequest, JobPorts, SentEvent } from './job-ports.ts';
import type { ApiTokenStore } from './token-ports.ts';
import type { Cursors, Listed, PageRequest } from './pages.ts';
import type { SlotStore } from './slot-port.ts';

export type { Listed, PageRequest } from './pages.ts';

export interface Ports extends JobPorts {
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly digest: Digest;
  readonly parameterSchemas: ParameterSchemas;
  readonly catalog: CatalogStore;
  readonly runs: RunStore;
  readonly jobs: JobStore;
  readonly slots: SlotStore;
  readonly durations: DurationStore;
  readonly series: MetricSeries;
  readonly orchestrator: Orchestrator;
  readonly engines: Engines;
  readonly cursors: Cursors;
  readonly apiTokens: ApiTokenStore;
  readonly webhookSecret: WebhookSecret;
  readonly policy: Policy;
  /** Absent where no root is configured for them. */
  readonly archives?: Archives;
}

export interface Clock {
  now(): Instant;
  pause(milliseconds: number): Promise<void>;
}

export interface Randomness {
  /** Sorts by `at`, to the millisecond. */
  newUlid(at: Instant): string;
  /** In [0, 1). */
  fraction(): number;
}

/** Hex SHA-256 of the canonical form (RFC 8785): equal values have equal digests, however they were spelt. */
export type Digest = (value: Json) => string;

export interface Policy {
  /** No tick loop asks an engine more often than this by itself. */
  readonly pollFloorSeconds: number;
  /** How long one invocation of a starter may live: nobody repeats its start before. */
  readonly starterSeconds: number;
  /** How long a tick holds its run. Longer than any tick takes. */
  readonly leaseSeconds: number;
  /** Leases of another host are void. All of AWS is one host; a local host is alone on its table and new at every start. */
  readonly host: string;
  /** By engine: what it is to bear at most, from all runs together. */
  readonly engineLimits: Readonly<Record<string, SlotLimits>>;
}

export interface ParameterSchemas {
  /** What is wrong with a schema, as a document; empty when it can be used. */
  check(schema: JsonObject): readonly ParameterProblem[];
  /**
   * What is wrong with each of the sets, in their order; pointers lead into the set. Takes a bounded time: where that is over, the answer
   * ends with the set that could not be checked, whose problem says so.
   */
  problems(schema: JsonObject, sets: readonly JsonObject[]): readonly (readonly ParameterProblem[])[];
}

export type { ApiToken, Scope } from '#domain/api-token';
export type { ApiTokenStore } from './token-ports.ts';

/** What a pattern is called by. */
export type TypePair = Pick<Pattern, 'sourceType' | 'targetType'>;

export interface CatalogStore {
  /** Consistent. */
  pattern(sourceType: string, targetType: string): Promise<Pattern | undefined>;
  /**
   * Saves `pattern` in the place of `before`, with the version that follows it (after a deletion: that follows
   * `lastPatternVersion`). `conflict` when something else is in that place, or when its template is not there.
   */
  putPattern(pattern: Pattern, before?: Pattern): Promise<'saved' | 'conflict'>;
  /** `conflict` when it is not there in this version. */
  removePattern(pattern: Pattern): Promise<'removed' | 'conflict'>;
  /** The version of the pair's deleted pattern; 0 where none was deleted. Consistent. */
  lastPatternVersion(pair: TypePair): Promise<number>;
  patterns(page: PageRequest): Promise<Listed<Pattern>>;
  /** The first of the patterns that name a template. Consistent. */
  patternsNaming(id: TemplateId, limit: number): Promise<readonly TypePair[]>;
  /** The newest version where none is named. A deleted template has no newest version; each of its versions stays. Consistent. */
  template(id: TemplateId, version?: number): Promise<Template | undefined>;
  /**
   * Adds `template.version`, which must follow the newest or, `afterDeletion`, the last there was. `conflict` when another
   * writer was first.
   */
  addTemplateVersion(template: Template, options?: { readonly afterDeletion: boolean }): Promise<'added' | 'conflict'>;
  /** `conflict` when it is not the newest version, or when a pattern names the template. */
  removeTemplate(template: Template): Promise<'removed' | 'conflict'>;
  /** The highest version there ever was; 0 where there was none. Consistent. */
  lastTemplateVersion(id: TemplateId): Promise<number>;
  /** Every version, also of a deleted template, newest first. */
  templateVersions(id: TemplateId, page: PageRequest): Promise<Listed<Template>>;
  templates(page: PageRequest): Promise<Listed<Template>>;
}

/** What a run is accepted with. */
export interface Acceptance {
  readonly run: Run;
  readonly sets: readonly JsonObject[];
  /** Digest of the request's body: what a repeated request is compared by. */
  readonly bodyDigest: string;
  readonly idempotencyKey?: string;
}

/** An earlier request under the same key. `complete` is false while it is still being accepted. */
export interface EarlierRequest {
  readonly runId: RunId;
  readonly bodyDigest: string;
  readonly complete: boolean;
}

export type AcceptOutcome = { readonly kind: 'accepted' } | { readonly kind: 'taken'; readonly earlier: EarlierRequest };

export interface RunStore {
  /** Who holds the natural key (user id, user run id) or the idempotency key. Consistent. */
  earlierRequest(keys: {
    readonly userId: string;
    readonly userRunId: string;
    readonly idempotencyKey?: string;
    /** Idempotency keys that have expired by now hold nothing. */
    readonly now: Instant;
  }): Promise<EarlierRequest | undefined>;
  /** All or nothing: the run, its sets, its place in the lists and its keys. A crash leaves a reservation that lapses. */
  accept(acceptance: Acceptance): Promise<AcceptOutcome>;
  /** Consistent. */
  load(id: RunId): Promise<Run | undefined>;
  /**
   * Saves `run` as version `before.version + 1` where the stored version is `before.version`. Where it stands in the lists by
   * state, and what it adds to the totals by day and template, changes with it. A `retry` is what the attempt of `run` is about.
   */
  save(run: Run, before: Run, retry?: RunRetry): Promise<{ readonly kind: 'saved'; readonly run: Run } | { readonly kind: 'conflict' }>;
  /** What the current attempt of a retried run is about. Consistent. */
  retry(run: Run): Promise<RunRetry | undefined>;
  /** The sets that were accepted with indexes from `from` to before `to`. */
  sets(run: Run, from: number, to: number): Promise<readonly JsonObject[]>;
  /** What the last tick left; undefined before the first. Consistent. */
  progress(id: RunId): Promise<RunProgress | undefined>;
  /** Newest first. Every filter holds for every item; a page may be shorter than asked for. */
  list(filter: RunFilter, page: PageRequest): Promise<Listed<Run>>;
  /** Makes the run findable by these values. May be repeated. */
  addSearchable(run: Run, values: readonly { readonly key: string; readonly text: string }[]): Promise<void>;
  /** Sums over the runs that have ended, newest day first. */
  totals(by: TotalsBy, page: PageRequest): Promise<Listed<DayTotals>>;
  /**
   * Takes the run's tick. `busy` when another owner of a living host has it: that owner is told, and will go round once
   * more before it lets go.
   */
  takeTick(id: RunId, lease: TickLease): Promise<'taken' | 'busy'>;
  /** `again` when somebody asked for a tick since it was taken, or since the last `again`. */
  releaseTick(id: RunId, lease: TickLease, seen: RunProgress | undefined): Promise<'released' | 'again'>;
}

/** The jobs that an attempt of a run is about, beginning with the second. */
export interface RunRetry {
  readonly indexes: readonly number[];
  readonly requestedBy: string;
  /** Digest of the request: the same one again is answered by the same attempt. */
  readonly bodyDigest: string;
  readonly idempotencyKey?: string;
}

/** What a tick leaves for those who read and for the next one. */
export interface RunProgress {
  readonly counts: RunCounts;
  /** When the run will be looked at again; absent once it has ended. */
  readonly nextPollAt?: Instant;
  readonly usage: RunUsage;
  /** A sample of how long the jobs that finished took, in seconds, and of how many it is one. */
  readonly durations: Durations;
  readonly durationsSeen: number;
  /** What its queued jobs wait for. */
  readonly waiting?: Waiting;
  /** When the last tick that came to its end looked. */
  readonly lookedAt?: Instant;
  /** Why the last tick could not do with the engine what was to be done: no job is at fault, and it is tried again. */
  readonly trouble?: EngineTrouble;
}

export interface EngineTrouble {
  readonly since: Instant;
  readonly message: string;
}

export interface Waiting {
  readonly jobs: number;
  readonly since: Instant;
  /** In words, with the limit and what is in use of it. */
  readonly reason: string;
}

export type { SlotHold, SlotRead, SlotStore } from './slot-port.ts';

export interface DurationStore {
  /** Of the template's jobs that finished last; empty where there was none. */
  load(id: TemplateId): Promise<Durations>;
  /** A sample is no ledger: of two that add at once, one may be lost. */
  add(id: TemplateId, durations: Durations): Promise<void>;
}

/** What streaming jobs counted while they ran; kept for 30 days. */
export interface MetricSeries {
  /** The same sample again changes nothing. */
  add(samples: readonly MetricSample[]): Promise<void>;
  /** Of one job, by time; a page may be shorter than asked for. `now`: what has expired by then is left out. */
  list(ref: JobRef, range: SampleRange, page: PageRequest & { readonly now: Instant }): Promise<Listed<MetricSample>>;
}

/** All runs, or those of one template. */
export interface TotalsBy {
  readonly templateId?: TemplateId;
}

export interface DayTotals extends RunCounts {
  /** `2026-11-21`, UTC: the day on which the runs were accepted. */
  readonly day: string;
  readonly runs: number;
}

export interface TickLease {
  /** `<host>/<unique>`. */
  readonly owner: string;
  readonly host: string;
  readonly now: Instant;
  readonly until: Instant;
}

export interface NewJob {
  readonly job: Job;
  readonly entry: HistoryEntry;
  readonly parameters: EffectiveParameters;
  /** Which set of which template this is, whatever run it is in. */
  readonly templateId: TemplateId;
  readonly setKey: string;
}

/** A change with what belongs into the same transaction. */
export interface JobSave extends JobChange {
  readonly parked?: ParkedChild;
  readonly sent?: SentEvent;
}

/** A child of an execution that waits for the end of its job. */
export interface ParkedChild {
  readonly taskToken: string;
  /** The attempt of the run that the child is there for: the end of an earlier one is nothing to it. */
  readonly runAttempt: number;
}

/** Whose job has this index. */
export interface ParkedAt extends ParkedChild {
  readonly index: number;
}

export interface JobStore {
  /** Jobs that exist already are left as they are. */
  create(jobs: readonly NewJob[], jobCount: number): Promise<void>;
  /** Consistent. */
  load(ref: JobRef, jobCount: number): Promise<Job | undefined>;
  /** Jobs by index, absent ones left out. */
  loadSome(run: Run, indexes: readonly number[]): Promise<readonly Job[]>;
  loadRange(run: Run, from: number, to: number): Promise<readonly Job[]>;
  parameters(ref: JobRef): Promise<(EffectiveParameters & { readonly setKey: string }) | undefined>;
  /**
   * Each change is one conditional transaction (job item, history entries, open row, records of counts, token, counts), many of
   * which share a request. A settled job whose last aftercare goes loses its open row with it. A change whose job has moved since
   * it was read is a `conflict` and leaves no trace. The saved job has the next version.
   */
  save(
    changes: readonly JobSave[],
    jobCount: number,
  ): Promise<readonly ({ readonly kind: 'saved'; readonly job: Job } | { readonly kind: 'conflict' })[]>;
  /** Every job that something is left to do for: not settled, or settled with tokens that may be parked or with aftercare. Consistent. */
  open(run: Run): Promise<readonly Job[]>;
  addTaskToken(ref: JobRef, jobCount: number, parked: ParkedChild): Promise<void>;
  /** All tokens of these jobs, whatever attempt of the run they belong to. Consistent. */
  taskTokens(run: Run, jobs: readonly JobRef[]): Promise<readonly ParkedAt[]>;
  /** Nothing is left to do for these settled jobs: their open rows go, and these tokens. A job that was reopened meanwhile stays. */
  close(run: Run, jobs: readonly Job[], tokens: readonly ParkedAt[]): Promise<void>;
  /** Consistent, and exact: counted in the transactions that settle the jobs. */
  counts(run: Run): Promise<RunCounts>;
  /** The jobs of one set in all runs, newest run first. */
  jobsOfSet(templateId: TemplateId, setKey: string, page: PageRequest): Promise<Listed<JobRef>>;
  /** With what was refused, each in its place. */
  history(ref: JobRef, page: HistoryRequest): Promise<Listed<HistoryEntry>>;
}

export interface Orchestrator {
  /** Starts the run's state machine under a name made of run and attempt. Starting it again is no error. */
  startRun(id: RunId, attempt: number): Promise<void>;
  /** Starts the run's watch loop under a name made of run, watch and chunk. Starting it again is no error. */
  startWatch(run: Pick<Run, 'id' | 'watch'>, delaySeconds: number): Promise<void>;
  /**
   * Has the run looked at when the second that `at` is in has passed. However often it is asked for in that second, it is one look;
   * whatever was asked for in it is seen by that look.
   */
  nudge(id: RunId, at: Instant): Promise<void>;
  /** Lets the child go that waits under this token. A token that nobody waits for any more is no error. */
  release(taskToken: string): Promise<void>;
  /** The ARN of the execution that `startRun` starts. */
  executionOf(run: Pick<Run, 'id' | 'attempt'>): string;
  /** For repair only: every execution of the run's machine that is under way, children of Maps left out. */
  running(): Promise<readonly RunningExecution[]>;
  /** For repair only. Undefined: there is no such execution, or no longer. */
  execution(arn: string): Promise<{ readonly isRunning: boolean; readonly status: string; readonly input?: string } | undefined>;
  /** For repair only. Stopping what has ended is no error. */
  stop(arn: string, cause: string): Promise<void>;
}

export interface RunningExecution {
  readonly arn: string;
  readonly name: string;
  readonly startedAt: Instant;
}

export type Engines = (name: string) => Engine | undefined;

/**
 * What executes jobs. Every method throws `EngineUnavailable` when the engine cannot be reached or asks us to wait,
 * and nothing else for reasons of the engine's.
 */
export interface Engine {
  /**
   * How long after its start was asked for an engine job may still appear. 0: a name never starts twice, so a start may be
   * repeated; and a job that the engine has begun is known to it for good, at least as `lost`.
   */
  readonly fenceSeconds: number;
  /** What is wrong with the engine-specific part of a template, found without running it. */
  check(definition: JsonObject): Promise<readonly DefinitionProblem[]>;
  /** Not idempotent on every engine: callers look for the name before they repeat a start. */
  start(start: EngineStart): Promise<EngineStartOutcome>;
  /** The engine job of that name, if the engine has one. */
  find(name: EngineJobName): Promise<EngineJobId | undefined>;
  /**
   * What the start or the look-up that this process made last has brought to light about the job, for its history: the status that
   * another process asks for need not say it. Absent: nothing ever.
   */
  noticed?(id: EngineJobId): string | undefined;
  /**
   * One bulk question. An id that is absent from the answer is unknown to the engine: its job is lost. One that the engine did not
   * answer for, though it answered for others, is `unanswered`; where it answered for none this throws.
   */
  status(ids: readonly EngineJobId[]): Promise<ReadonlyMap<EngineJobId, EngineJobStatus>>;
  /**
   * How long after a job's end its counts may still come or change. 0: what the engine says of a final job is all there will be.
   */
  readonly metricsSettleSeconds: number;
  /**
   * Of a final job, and of a running one where the engine counts while it runs. Undefined where the engine has none (yet);
   * `provisional` ones may change.
   */
  metrics(id: EngineJobId): Promise<EngineMetrics | undefined>;
  /** Tells an engine that wants to be told that a failure was noticed. Nothing to acknowledge, or an unknown id, is no error. */
  acknowledge(id: EngineJobId): Promise<void>;
  /** Asks the engine to stop the job; `force` when asking did not help. Stopping what is final or unknown is no error. */
  stop(id: EngineJobId, options: { readonly force: boolean }): Promise<void>;
  /** Forgets a final job on the engine. Removing what is unknown is no error. */
  remove(id: EngineJobId): Promise<void>;
}

/** Secrets by reference: `env:NAME`, `file:path`, `ssm:name`, `secretsmanager:name`. The values are never stored, logged or answered. */
export interface Secrets {
  /** Rejects, without the value and with the reference, where it cannot be read. Remembered for a while. */
  resolve(reference: string): Promise<string>;
  /** As `resolve`, past what is remembered: the secret may have been changed. */
  renew(reference: string): Promise<string>;
}

/** What the pushes of an engine carry to be believed; undefined where it is to push nothing. */
export type WebhookSecret = (engine: string) => Promise<string | undefined>;
