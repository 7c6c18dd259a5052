/**
 * How a job takes an event that somebody sends. A reported job is what its events make of it. Of a managed job the engine is
 * asked, by the tick and by nobody else: what a sender claims about its running is kept as an `update` and makes the tick look
 * at once, and its attempts are its run's.
 */
import { epochMs, instant, type AnyJobId, type JobRef, type ReportedJobId, type RunId } from '#domain/ids';
import { applyEvent, idOf, type HistoryEntry, type Job, type JobEvent } from '#domain/job';
import { allowedEvents, nextJobState, type JobEventName } from '#domain/job-state';
import { applyReported, type ReportedJob } from '#domain/reported-job';
import type { Run } from '#domain/run';
import type { SentEvent } from './job-ports.ts';
import type { Ports } from './ports.ts';

/** Of what is sent about jobs of either kind. */
export type SentNeeds = Pick<Ports, 'clock' | 'randomness' | 'digest' | 'jobEvents'>;
export type ReportNeeds = SentNeeds & Pick<Ports, 'reportedJobs' | 'archives'>;
export type SendNeeds = SentNeeds & Pick<Ports, 'runs' | 'jobs'>;

/** What an event is sent about: a job as it was read, and how it takes the event. */
export interface Subject {
  readonly id: AnyJobId;
  readonly job: Pick<Job, 'state' | 'sequence' | 'attempt' | 'updatedAt'> & Pick<ReportedJob, 'registration'>;
  readonly take: (event: JobEvent) => Taken;
}

export type Taken =
  | {
      readonly kind: 'applied';
      readonly entry: HistoryEntry;
      readonly save: (sent: SentEvent) => Promise<'saved' | 'conflict'>;
      readonly recordedAs?: JobEventName;
      readonly nudge?: RunId;
    }
  | { readonly kind: 'refused'; readonly allowed: readonly JobEventName[]; readonly detail: string };

/** No request takes longer: an indexing that has not come to its end by then is begun anew by the sweep. */
const INDEX_WITHIN_SECONDS = 60;

export async function reportedSubject({ reportedJobs, archives }: ReportNeeds, id: ReportedJobId): Promise<Subject | 'not-found'> {
  const job = await reportedJobs.load(id);
  if (!job) return 'not-found';
  const take = (sent: JobEvent): Taken => {
    const dueAt = instant(epochMs(sent.at) + INDEX_WITHIN_SECONDS * 1000);
    const event = sent.name === 'index' && archives ? { ...sent, indexing: { tries: 1, dueAt } } : sent;
    const outcome = applyReported(job, event);
    if (outcome.kind === 'refused') return { kind: 'refused', allowed: outcome.allowed, detail: reportedRefusal(job, event) };
    return {
      kind: 'applied',
      entry: outcome.entry,
      save: async (sent) => (await reportedJobs.save({ before: job, after: outcome.job, entries: [outcome.entry], sent })).kind,
    };
  };
  return { id, job, take };
}

function reportedRefusal({ state, withdrawn, deleted }: ReportedJob, { name }: JobEvent): string {
  if (deleted) return `the job was deleted at ${deleted.at}`;
  if (withdrawn) return `the job was withdrawn at ${withdrawn.at}; registering it again brings it back`;
  return `${name} is not allowed in ${state}`;
}

/** These say where the work stands, which is for the engine to say. */
const CLAIMS: readonly JobEventName[] = ['run', 'finish', 'fail'];
const OF_THE_RUN: readonly JobEventName[] = ['reset', 'ready'];

export async function managedSubject(
  { runs, jobs }: Pick<Ports, 'runs' | 'jobs'>,
  ref: JobRef,
): Promise<Subject | 'not-found' | 'not-ready'> {
  const run = await runs.load(ref.runId);
  if (!run || ref.index >= run.count) return 'not-found';
  const job = await jobs.load(ref, run.count);
  if (!job) return 'not-ready';
  const take = (sent: JobEvent): Taken => {
    const recorded = recordedAs(job, sent);
    const outcome = OF_THE_RUN.includes(sent.name) ? undefined : applyEvent(job, recorded);
    if (outcome?.kind !== 'applied') return managedRefusal(run, job, sent);
    const isClaim = recorded.name !== sent.name;
    return {
      kind: 'applied',
      entry: outcome.entry,
      async save(with_) {
        const [saved] = await jobs.save([{ before: job, after: outcome.job, entries: [outcome.entry], sent: with_ }], run.count);
        return saved?.kind ?? 'conflict';
      },
      ...(isClaim ? { recordedAs: recorded.name, nudge: run.id } : {}),
    };
  };
  return { id: idOf(job), job, take };
}

/** What says nothing new (`run` of a running job) is kept as it is. */
function recordedAs(job: Job, event: JobEvent): JobEvent {
  const to = nextJobState(job.state, event.name);
  if (!CLAIMS.includes(event.name) || to === undefined || to === job.state) return event;
  return { ...event, name: 'update', data: { ...event.data, 'reported-event': event.name } };
}

function managedRefusal(run: Run, job: Job, { name }: JobEvent): Taken {
  const allowed = allowedEvents(job.state).filter((each) => !OF_THE_RUN.includes(each));
  const detail = OF_THE_RUN.includes(name)
    ? `the attempts of this job are those of its run: POST /v1/runs/${run.id}/retry begins another`
    : `${name} is not allowed in ${job.state}`;
  return { kind: 'refused', allowed, detail };
}
