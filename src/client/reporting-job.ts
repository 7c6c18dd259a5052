/**
 * One job as whoever reports it holds it: its events as methods that can be chained, and what its token opens besides. Every
 * event has an id of its own, under which it is sent again where an answer is lost, so that it is applied once.
 */
import type { AnyJobView } from '#contract/any-job-view';
import { EventTaken, JobAsOf } from '#contract/job-views';
import type { HistoryEntryView } from '#contract/views';
import { jobMethods, type HistoryOptions } from './job-client.ts';
import type { Pace } from './pace.ts';
import { get, part, type Transport } from './transport.ts';
import { waitForJob, type JobWaitOptions, type JobWaitOutcome } from './wait-for-job.ts';

export type JobEventName = EventTaken['name'];
/** JSON; at most 256 KB. */
export type EventData = Readonly<Record<string, unknown>>;

export interface EventOptions {
  /** 1 to 255 visible ASCII characters. Made anew where it is absent; the same id again is answered as it was the first time. */
  readonly id?: string;
}

type SendNamed = (data?: EventData, options?: EventOptions) => EventChain;

/** The contract's events. `reset` and `ready` need an API token with the scope `admin`; a job's own token never sends them. */
export interface JobEvents extends Readonly<Record<JobEventName, SendNamed>> {
  /** Any event, by its name. */
  handle(name: JobEventName, data?: EventData, options?: EventOptions): EventChain;
}

/**
 * What the last event of the chain was answered. What follows in the chain is sent once this is applied; where this is refused
 * the rest is not sent, and the whole chain rejects with the refusal.
 */
export type EventChain = Promise<EventTaken> & JobEvents;

/**
 * @example
 * try {
 *   await job.run().update({ step: 'aligned', reads: 1204 }).finish();
 * } catch (error) {
 *   if (error instanceof EventRefused) console.error(`the job is ${error.state}; it takes ${error.allowedEvents.join(', ')}`);
 *   else throw error;
 * }
 */
export interface ReportingJob extends JobEvents {
  readonly id: string;
  /** As it stands now. */
  state(): Promise<AnyJobView['state']>;
  view(): Promise<AnyJobView>;
  /** As it stood at a time: ISO 8601 with a zone. */
  viewAt(at: string): Promise<JobAsOf>;
  /** With what was refused; the oldest first, unless told otherwise. */
  history(options?: HistoryOptions): AsyncIterable<HistoryEntryView>;
  /** Until it has ended, or is in the state of `until`. */
  wait(options?: JobWaitOptions): Promise<JobWaitOutcome>;
  /** Asks for it. Of a reported job: withdraws it before it runs; later it is refused as `job-at-work`, and `fail` is what to send. */
  cancel(): Promise<AnyJobView>;
}

export interface Reporting {
  readonly call: Transport;
  readonly pace: Pace;
  readonly newKey: () => string;
}

export function reportingJob(id: string, { call, pace, newKey }: Reporting): ReportingJob {
  const path = `/v1/jobs/${part(id)}`;
  const jobs = jobMethods(call);
  const send: Send = async (name, data, eventId = newKey()) => {
    const body = { name, ...(data === undefined ? {} : { data }), id: eventId };
    return (await call({ method: 'POST', path: `${path}/events`, body, repeatable: true }, EventTaken)).body;
  };
  return {
    ...eventMethods(inOrder(send)),
    id,
    state: async () => (await jobs.getAnyJob(id)).state,
    view: () => jobs.getAnyJob(id),
    viewAt: async (at) => (await call(get(`${path}?at=${part(at)}`), JobAsOf)).body,
    history: (options) => jobs.history(id, options),
    wait: (options) => waitForJob(call, id, pace, options),
    cancel: () => jobs.cancelJob(id),
  };
}

type Send = (name: JobEventName, data?: EventData, eventId?: string) => Promise<EventTaken>;
type Queue = (after: Promise<unknown> | undefined, ...event: Parameters<Send>) => Promise<EventTaken>;

/** Events of one holder are sent one after the other, in the order of the calls, also where nobody awaits them. */
function inOrder(send: Send): Queue {
  let last: Promise<unknown> = Promise.resolve();
  return (after, ...event) => {
    const sent = last.then(() => after).then(() => send(...event));
    last = sent.catch(() => undefined);
    // A promise of its own: that of the queue is never unhandled, and a refusal that nobody looks at has to be.
    return sent.then((taken) => taken);
  };
}

function eventMethods(queue: Queue, after?: Promise<unknown>): JobEvents {
  const handle: JobEvents['handle'] = (name, data, options) => {
    // What follows in the chain tells of this one's refusal.
    after?.catch(() => undefined);
    const taken = queue(after, name, data, options?.id);
    return Object.assign(taken, eventMethods(queue, taken));
  };
  const named =
    (name: JobEventName): SendNamed =>
    (data, options) =>
      handle(name, data, options);
  return {
    handle,
    create: named('create'),
    run: named('run'),
    update: named('update'),
    resource: named('resource'),
    fail: named('fail'),
    finish: named('finish'),
    index: named('index'),
    indexed: named('indexed'),
    validate: named('validate'),
    validated: named('validated'),
    reject: named('reject'),
    finalize: named('finalize'),
    retire: named('retire'),
    reset: named('reset'),
    ready: named('ready'),
  };
}
