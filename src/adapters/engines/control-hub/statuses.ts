/**
 * How many jobs stand, by `POST /v1/jobs/status` in chunks. What an answer leaves out is asked for one by one, because only that tells
 * a job that is gone from one that a bulk answer has forgotten. What cannot be told this time is `unanswered`, never unknown: a job
 * that is taken for lost is started again.
 */
import type { EngineJobStatus } from '#domain/engine-job';
import type { EngineJobId } from '#domain/ids';
import type { HubAnswer } from './client.ts';
import { bounded } from './error-text.ts';
import { atMost, unavailable, type Hub } from './hub.ts';
import { engineStatus, failureText } from './job-state.ts';
import { decidingRun, hasSeveralRuns } from './runs.ts';
import { entriesOf, HubJob, HubStatus, isHubId, jobPath, StatusEvent } from './wire.ts';

export const BULK_STATUS = { method: 'POST', path: '/jobrunner/rest/v1/jobs/status' } as const;

const CHUNKS_AT_ONCE = 4;
const FOLLOW_UPS_AT_ONCE = 8;
/** Single questions that one call may ask beside the bulk ones; the rest is asked the next time. */
const MOST_FOLLOW_UPS = 50;
/** Halves of a chunk that Control Hub refuses as a whole: enough to find two bad ids of a hundred. */
const MOST_SPLITS = 14;

type Found = HubStatus | 'gone' | 'unanswered' | 'never-started';

export interface Statuses {
  readonly told: ReadonlyMap<EngineJobId, EngineJobStatus>;
  /** As Control Hub has them, where it has. */
  readonly raw: ReadonlyMap<EngineJobId, HubStatus>;
}

export async function statuses(hub: Hub, ids: readonly EngineJobId[], chunkSize: number): Promise<Statuses> {
  const asking = new Asking(hub);
  // What is no id of Control Hub's was never given out by it: it is unknown.
  const known = [...new Set(ids)].filter(isHubId);
  await atMost(CHUNKS_AT_ONCE, chunksOf(known, chunkSize), (chunk) => asking.chunk(chunk));
  await atMost(FOLLOW_UPS_AT_ONCE, inTurn(hub, asking.missing), (missing) => asking.single(missing));
  const answers = new Map<EngineJobId, EngineJobStatus>();
  await atMost(FOLLOW_UPS_AT_ONCE, inTurn(hub, [...asking.found]), async ([id, found]) => {
    const status = await asking.told(id, found);
    if (status) answers.set(id, status);
  });
  const someAnswered = asking.isThere || known.some((id) => answers.get(id)?.state !== 'unanswered');
  if (known.length > 0 && !someAnswered) throw unavailable(BULK_STATUS, asking.reason);
  const raw = new Map([...asking.found].flatMap(([id, found]) => (typeof found === 'string' ? [] : [[id, found] as const])));
  return { told: answers, raw };
}

/** Not always the same ones first: where more is to be asked than may be at once, each has its turn at some time. */
function inTurn<Item>({ nowMs }: Hub, items: readonly Item[]): readonly Item[] {
  const first = items.length === 0 ? 0 : nowMs() % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

class Asking {
  readonly found = new Map<EngineJobId, Found>();
  /** `leftOut`: of a bulk answer that can be used otherwise. */
  readonly missing: { readonly id: EngineJobId; readonly leftOut: boolean }[] = [];
  reason = 'its answer cannot be used';
  /** It has said something of some job, if only what nobody can read: it is not away, and the jobs' limits hold. */
  isThere = false;
  private followUps = MOST_FOLLOW_UPS;
  private readonly hub: Hub;

  constructor(hub: Hub) {
    this.hub = hub;
  }

  async chunk(ids: readonly EngineJobId[]): Promise<void> {
    let splits = MOST_SPLITS;
    const waiting = [ids];
    for (let part = waiting.shift(); part; part = waiting.shift()) {
      const answer = await this.hub.client.call({ ...BULK_STATUS, body: part, repeatable: true });
      const entries = answer.kind === 'answer' ? entriesById(answer.body) : undefined;
      if (entries) {
        for (const id of part) this.noteEntry(id, entries);
      } else if (part.length > 1 && splits > 0 && isSplittable(answer)) {
        splits -= 1;
        const middle = part.length >> 1;
        waiting.push(part.slice(0, middle), part.slice(middle));
      } else if (part.length === 1 && answer.kind === 'refused') {
        this.missing.push(...part.map((id) => ({ id, leftOut: false })));
      } else {
        this.unanswered(part, answer);
      }
    }
  }

  async single({ id, leftOut }: Asking['missing'][number]): Promise<void> {
    if (!this.mayAskMore()) {
      this.found.set(id, 'unanswered');
      return;
    }
    const answer = await this.hub.client.call({ method: 'GET', path: jobPath(id), repeatable: true });
    if (answer.kind === 'refused') {
      if (isGone(answer, leftOut)) this.found.set(id, 'gone');
      else this.unanswered([id], answer);
      return;
    }
    const job = answer.kind === 'answer' ? HubJob.safeParse(answer.body) : undefined;
    if (!job?.success) this.unanswered([id], answer);
    else if (job.data.jobDeleted === true) this.found.set(id, 'gone');
    else this.found.set(id, job.data.currentJobStatus ?? 'never-started');
  }

  /** Undefined where the job is gone. */
  async told(id: EngineJobId, found: Found): Promise<EngineJobStatus | undefined> {
    if (found === 'gone') return undefined;
    if (found === 'unanswered') return { state: 'unanswered' };
    if (found === 'never-started') return { state: 'queued' };
    let read: HubStatus | undefined = found;
    if (hasSeveralRuns(found)) read = this.mayAskMore() ? await decidingRun(this.hub, id) : undefined;
    if (!read) return { state: 'unanswered' };
    const status = this.scrubbed(read);
    const told = engineStatus(status);
    if (told.state !== 'failed' || told.message !== undefined) return told;
    return { ...told, message: (await this.historyText(status)) ?? endText(status) };
  }

  /** Before its texts are cut: a part of a secret is not found any more. */
  private scrubbed(status: HubStatus): HubStatus {
    const scrub = <Text extends string | null | undefined>(text: Text): Text | string =>
      typeof text === 'string' ? this.hub.client.scrubbed(text) : text;
    return {
      ...status,
      status: scrub(status.status),
      color: scrub(status.color),
      errorMessage: scrub(status.errorMessage),
      warnings: status.warnings?.map(scrub),
      pipelineStatus: status.pipelineStatus?.map((pipeline) => ({ ...pipeline, message: scrub(pipeline.message) })),
    };
  }

  /** The run's own history says why it failed where its status does not. */
  private async historyText({ id }: HubStatus): Promise<string | undefined> {
    if (typeof id !== 'string' || !isHubId(id) || !this.mayAskMore()) return undefined;
    const query = { offset: '0', len: '-1' };
    const answer = await this.hub.client.call({ method: 'GET', path: jobPath(id, '/jobStatusHistory'), query, repeatable: true });
    if (answer.kind !== 'answer') return undefined;
    const events = entriesOf(StatusEvent, answer.body).toSorted((a, b) => (a.time ?? 0) - (b.time ?? 0));
    const text = events.findLast(({ message }) => message != null && message.trim() !== '')?.message;
    return text == null ? undefined : bounded(this.hub.client.scrubbed(text));
  }

  private mayAskMore(): boolean {
    this.followUps -= 1;
    return this.followUps >= 0;
  }

  private noteEntry(id: EngineJobId, entries: Readonly<Record<string, unknown>>): void {
    const entry = Object.hasOwn(entries, id) ? entries[id] : undefined;
    const status = HubStatus.safeParse(entry);
    if (status.success) this.found.set(id, status.data);
    else if (entry === undefined || entry === null) this.missing.push({ id, leftOut: true });
    else this.found.set(id, 'unanswered');
    this.isThere ||= entry !== undefined && entry !== null;
  }

  private unanswered(ids: readonly EngineJobId[], answer: HubAnswer): void {
    if (answer.kind === 'no-answer') this.reason = answer.reason;
    else if (answer.kind === 'refused') this.reason = `${answer.status}: ${answer.message}`;
    for (const id of ids) this.found.set(id, 'unanswered');
  }
}

/** An object by id; or a list, whose entries say whose they are: the swagger leaves open which (contract §2.2). */
function entriesById(body: unknown): Readonly<Record<string, unknown>> | undefined {
  if (Array.isArray(body)) return Object.fromEntries(entriesOf(HubStatus, body).map((each) => [each.jobId ?? '', each]));
  return typeof body === 'object' && body !== null ? (body as Readonly<Record<string, unknown>>) : undefined;
}

/** One bad id may refuse a whole chunk, one bad entry spoil or swell its answer. A refusal that is about us refuses every part. */
function isSplittable(answer: HubAnswer): boolean {
  if (answer.kind === 'refused') return answer.status !== 403;
  return answer.kind === 'no-answer' && answer.unusable === true;
}

/**
 * Which 4xx an unknown id has is not documented. One that is about us (a project that is not there, say) says nothing about the job, and
 * neither does the 404 of whatever stands where Control Hub should be: its word counts where a bulk answer has left the job out as well.
 */
export function isGone({ status, code }: HubAnswer & { readonly kind: 'refused' }, leftOut: boolean): boolean {
  if (status === 404 || status === 410) return leftOut || code !== undefined;
  return status === 400 && code?.startsWith('JOBRUNNER_') === true;
}

const endText = (status: HubStatus): string =>
  failureText(status) ?? bounded(`Control Hub reports the job as ${status.status} ${status.color ?? ''}`);

function chunksOf<Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, chunk) => items.slice(chunk * size, (chunk + 1) * size));
}
