/**
 * An engine whose jobs only let time pass. Its state is a function of the clock and of a map from name to start, so a test can
 * drive the clock, keep the map over a "restart", or keep it in a file over a killed process. 10,000 jobs cost nothing.
 *
 * Parameters: `SECONDS`; `FAIL` (the message to fail with); `REFUSE` (the message to refuse with); `POISON` (start throws what is
 * no fault of ours); `INPUT`, `OUTPUT`, `ERRORS` (counts). The definition is `{}`.
 * `WARN` (a warning while it runs, in the first `WARN_SECONDS` where given); `LATE` (seconds after the end until the counts are what
 * they remain: none before that with `ABSENT`, else half of them, provisional); `RATE` (records a second, counted while it runs).
 */
import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs';
import type { EngineJobStatus, EngineMetrics, EngineStart } from '#domain/engine-job';
import { engineJobId, instant } from '#domain/ids';
import type { EngineJobId, EngineJobName, RunId } from '#domain/ids';
import type { Json } from '#domain/json';
import { systemClock } from '#hosts/local/host-clock';
import type { Engine } from '#operations/ports';

export interface SleepJob {
  readonly name: EngineJobName;
  readonly runId: RunId;
  readonly startedAtMs: number;
  readonly endsAtMs: number;
  readonly failure?: string;
  readonly counts: { readonly inputRecordCount: number; readonly outputRecordCount: number; readonly errorRecordCount: number };
  readonly stoppedAtMs?: number;
  readonly warning?: string;
  readonly warnsUntilMs?: number;
  readonly lateMs?: number;
  readonly isAbsent?: boolean;
  readonly rate?: number;
}

const METHODS = ['check', 'start', 'find', 'status', 'metrics', 'acknowledge', 'stop', 'remove'] as const;
export type SleepCalls = Record<(typeof METHODS)[number], number>;

export interface SleepChange {
  readonly engineJobId: EngineJobId;
  readonly runId: RunId;
}

export interface SleepEngine extends Engine {
  /** How often each method was called. */
  readonly calls: Readonly<SleepCalls>;
  readonly jobs: ReadonlyMap<string, SleepJob>;
  /** Ids, each once. */
  readonly acknowledged: ReadonlySet<string>;
  /** Told once per run and millisecond, however many of the run's jobs end in it. */
  onChange(listener: (change: SleepChange) => void): () => void;
  /** Cancels the timers. */
  close(): void;
}

export interface SleepOptions {
  readonly nowMs: () => number;
  /** Calls back at a time; without it nobody is told of changes. A host's or a driven clock's `at`. */
  readonly at?: (atMs: number, callback: () => void) => () => void;
  /** Shared by the engines of one test, it survives any of them. */
  readonly jobs?: Map<string, SleepJob>;
  /** Newline-delimited JSON, appended to; read when the engine is made. */
  readonly file?: string;
  readonly metricsSettleSeconds?: number;
}

/** By the system's clock, and saying by itself what has ended. */
export function systemSleepEngine(): SleepEngine {
  const clock = systemClock();
  return sleepEngine({ nowMs: () => clock.nowMs(), at: (atMs, callback) => clock.at(atMs, callback) });
}

export function sleepEngine(options: SleepOptions): SleepEngine {
  const jobs = options.jobs ?? new Map<string, SleepJob>();
  if (options.file !== undefined) readJournal(options.file, jobs);
  const acknowledged = new Set<string>();
  const calls = Object.fromEntries(METHODS.map((method) => [method, 0])) as SleepCalls;
  const changes = changeTimers(options);
  const put = (job: SleepJob): void => {
    jobs.set(job.name, job);
    writeJournal(options.file, { put: job });
    changes.expect(job);
  };
  for (const job of jobs.values()) if (stateOf(job, options.nowMs()) === 'running') changes.expect(job);
  const count = (method: keyof SleepCalls): void => {
    calls[method] += 1;
  };
  return {
    fenceSeconds: 0,
    metricsSettleSeconds: options.metricsSettleSeconds ?? 0,
    acknowledged,
    calls,
    jobs,
    onChange: changes.onChange,
    close: changes.close,
    async check() {
      count('check');
      return Promise.resolve([]);
    },
    async start(start) {
      count('start');
      if (isSet(start.parameters['POISON'])) throw new TypeError('poisoned');
      if (isSet(start.parameters['REFUSE'])) return Promise.resolve({ kind: 'refused', message: textOf(start.parameters['REFUSE']) });
      if (!jobs.has(start.engineJobName)) put(newJob(start, options.nowMs()));
      return Promise.resolve({ kind: 'started', engineJobId: engineJobId(start.engineJobName) });
    },
    async find(name) {
      count('find');
      return Promise.resolve(jobs.has(name) ? engineJobId(name) : undefined);
    },
    async status(ids) {
      count('status');
      return Promise.resolve(statuses(jobs, ids, options.nowMs()));
    },
    async metrics(id) {
      count('metrics');
      return Promise.resolve(metricsOf(jobs.get(id), options.nowMs()));
    },
    async acknowledge(id) {
      count('acknowledge');
      acknowledged.add(id);
      return Promise.resolve();
    },
    async stop(id) {
      count('stop');
      const job = jobs.get(id);
      const stoppedAtMs = options.nowMs();
      if (job !== undefined && stateOf(job, stoppedAtMs) === 'running') put({ ...job, endsAtMs: stoppedAtMs, stoppedAtMs });
      return Promise.resolve();
    },
    async remove(id) {
      count('remove');
      const job = jobs.get(id);
      if (job === undefined || stateOf(job, options.nowMs()) === 'running') return Promise.resolve();
      jobs.delete(id);
      writeJournal(options.file, { remove: id });
    },
  };
}

function newJob({ engineJobName, runId, parameters }: EngineStart, startedAtMs: number): SleepJob {
  const failure = parameters['FAIL'];
  return {
    name: engineJobName,
    runId,
    startedAtMs,
    endsAtMs: startedAtMs + numberOf(parameters['SECONDS'], 0) * 1_000,
    counts: {
      inputRecordCount: numberOf(parameters['INPUT'], 100),
      outputRecordCount: numberOf(parameters['OUTPUT'], 100),
      errorRecordCount: numberOf(parameters['ERRORS'], 0),
    },
    ...(isSet(failure) ? { failure: textOf(failure) } : {}),
    ...(isSet(parameters['WARN']) ? { warning: textOf(parameters['WARN']) } : {}),
    ...(isSet(parameters['WARN_SECONDS']) ? { warnsUntilMs: startedAtMs + numberOf(parameters['WARN_SECONDS'], 0) * 1_000 } : {}),
    ...(isSet(parameters['LATE']) ? { lateMs: numberOf(parameters['LATE'], 0) * 1_000 } : {}),
    ...(isSet(parameters['ABSENT']) ? { isAbsent: true } : {}),
    ...(isSet(parameters['RATE']) ? { rate: numberOf(parameters['RATE'], 0) } : {}),
  };
}

function stateOf(job: SleepJob, nowMs: number): EngineJobStatus['state'] {
  if (job.stoppedAtMs !== undefined) return 'stopped';
  if (nowMs < job.endsAtMs) return 'running';
  return job.failure === undefined ? 'succeeded' : 'failed';
}

function statuses(
  jobs: ReadonlyMap<string, SleepJob>,
  ids: readonly EngineJobId[],
  nowMs: number,
): ReadonlyMap<EngineJobId, EngineJobStatus> {
  const known = new Map<EngineJobId, EngineJobStatus>();
  for (const id of ids) {
    const job = jobs.get(id);
    if (job === undefined) continue;
    const state = stateOf(job, nowMs);
    const warns = state === 'running' && nowMs < (job.warnsUntilMs ?? Infinity);
    const warning = warns && job.warning !== undefined ? { warning: job.warning } : {};
    known.set(id, state === 'failed' && job.failure !== undefined ? { state, message: job.failure } : { state, ...warning });
  }
  return known;
}

function metricsOf(job: SleepJob | undefined, nowMs: number): EngineMetrics | undefined {
  if (job === undefined) return undefined;
  if (stateOf(job, nowMs) === 'running') {
    if (job.rate === undefined) return undefined;
    const counted = Math.floor((job.rate * (nowMs - job.startedAtMs)) / 1000);
    return { engineId: 'sleep', inputRecordCount: counted, outputRecordCount: counted, errorRecordCount: 0, provisional: true };
  }
  if (nowMs < job.endsAtMs + (job.lateMs ?? 0)) {
    if (job.isAbsent) return undefined;
    const { inputRecordCount: input, outputRecordCount: output } = job.counts;
    const half = { inputRecordCount: Math.floor(input / 2), outputRecordCount: Math.floor(output / 2), errorRecordCount: 0 };
    return { engineId: 'sleep', ...half, startedAt: instant(job.startedAtMs), finishedAt: instant(job.endsAtMs), provisional: true };
  }
  return { engineId: 'sleep', ...job.counts, startedAt: instant(job.startedAtMs), finishedAt: instant(job.endsAtMs) };
}

function changeTimers({ at }: SleepOptions): Pick<SleepEngine, 'onChange' | 'close'> & { expect(job: SleepJob): void } {
  const listeners = new Set<(change: SleepChange) => void>();
  /** When → of each run, the last of its jobs that end then. */
  const due = new Map<number, { readonly changes: Map<RunId, SleepChange>; readonly cancel: () => void }>();
  const tell = (atMs: number): void => {
    const changes = due.get(atMs)?.changes ?? new Map<RunId, SleepChange>();
    due.delete(atMs);
    for (const change of changes.values()) for (const listener of listeners) listener(change);
  };
  return {
    expect({ name, runId, endsAtMs }) {
      if (at === undefined) return;
      let moment = due.get(endsAtMs);
      if (moment === undefined) {
        moment = {
          changes: new Map(),
          cancel: at(endsAtMs, () => {
            tell(endsAtMs);
          }),
        };
        due.set(endsAtMs, moment);
      }
      moment.changes.set(runId, { engineJobId: engineJobId(name), runId });
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close() {
      for (const { cancel } of due.values()) cancel();
      due.clear();
    },
  };
}

type JournalEntry = { readonly put: SleepJob } | { readonly remove: string };

function readJournal(file: string, jobs: Map<string, SleepJob>): void {
  if (!existsSync(file)) return;
  const text = readFileSync(file, 'utf8');
  // What follows the last newline is the half line of a killed process.
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  if (whole !== text) truncateSync(file, Buffer.byteLength(whole));
  for (const line of whole.split('\n').slice(0, -1)) {
    const entry = JSON.parse(line) as JournalEntry;
    if ('put' in entry) jobs.set(entry.put.name, entry.put);
    else jobs.delete(entry.remove);
  }
}

function writeJournal(file: string | undefined, entry: JournalEntry): void {
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(entry)}\n`);
}

function isSet(value: Json | undefined): boolean {
  return value !== undefined && value !== null && value !== false && value !== '' && value !== 0;
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function numberOf(value: Json | undefined, otherwise: number): number {
  const number = Number(value ?? otherwise);
  return Number.isFinite(number) ? number : otherwise;
}
