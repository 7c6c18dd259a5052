/**
 * Counts at the borders what AWS bills for: requests as they leave a DynamoDB client, facts as they reach the journal of the
 * embedded Step Functions, and calls of an engine. Nothing in the product knows that it is counted.
 */
import type { Checkpoint, CheckpointKey, CheckpointStore } from '#hosts/local/step-functions/ports';
import type { Engine } from '#operations/ports';

/** Counts by name. */
export type Counts = Map<string, number>;

export interface Tally {
  /** By state; `child start` and `retry` beside the states. */
  readonly transitions: Counts;
  /** Calls, and milliseconds, by function. */
  readonly invocations: Counts;
  readonly milliseconds: Counts;
  /** By what was written and why: `finish JOB`. */
  readonly writeUnits: Counts;
  /** By function and what was read: `pollRun OPEN`. */
  readonly readUnits: Counts;
  /** Of DynamoDB, by function and command. */
  readonly requests: Counts;
  readonly httpCalls: Counts;
  /** By method of the engine. */
  readonly engineCalls: Counts;
}

export function newTally(): Tally {
  return {
    transitions: new Map(),
    invocations: new Map(),
    milliseconds: new Map(),
    writeUnits: new Map(),
    readUnits: new Map(),
    requests: new Map(),
    httpCalls: new Map(),
    engineCalls: new Map(),
  };
}

export function count(counts: Counts, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}

export const total = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((sum, value) => sum + value, 0);

/** A fact of the journal, as far as it is counted. */
interface CountedFact {
  readonly type: string;
  readonly state?: string;
  /** Of the first fact of a Map's child. */
  readonly parent?: unknown;
  /** Of every fact of a Map's child. */
  readonly x?: number;
}

export interface CountedCheckpoints extends CheckpointStore {
  /** Top-level executions that have been started and have not ended. */
  readonly openExecutions: () => number;
}

/**
 * The journal in memory, so that nothing of it is on the service's bill. A transition is a state that is entered, a child of a
 * distributed Map that is started, and a retry (https://aws.amazon.com/step-functions/pricing/,
 * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-statemachines.html).
 */
export function countedCheckpoints(tally: () => Tally): CountedCheckpoints {
  const partitions = new Map<string, Map<string, string>>();
  let open = 0;
  const note = ({ type, state = '', parent, x }: CountedFact): void => {
    const { transitions } = tally();
    if (type === 'StateEntered') count(transitions, state);
    else if (type === 'RetryArmed') count(transitions, 'retry');
    else if (type === 'ExecutionStarted' && parent !== undefined) count(transitions, 'child start');
    else if (type === 'ExecutionStarted') open += 1;
    else if (ENDED.has(type) && x === undefined) open -= 1;
  };
  const sorted = (partition: string, isWanted: (sort: string) => boolean): readonly Checkpoint[] =>
    [...(partitions.get(partition) ?? [])]
      .filter(([sort]) => isWanted(sort))
      .map(([sort, body]) => ({ partition, sort, body }))
      .sort((a, b) => (a.sort < b.sort ? -1 : 1));
  return {
    openExecutions: () => open,
    write(puts: readonly Checkpoint[], deletes: readonly CheckpointKey[]) {
      for (const { partition, sort, body } of puts) {
        if (partition.startsWith('journal/')) {
          if (/^[+.]/.test(body)) throw new Error('a fact in several documents cannot be counted');
          for (const fact of JSON.parse(`[${body}]`) as readonly CountedFact[]) note(fact);
        } else partitions.set(partition, (partitions.get(partition) ?? new Map<string, string>()).set(sort, body));
      }
      for (const { partition, sort } of deletes) partitions.get(partition)?.delete(sort);
      return Promise.resolve();
    },
    read: (partition, sortPrefix = '') => Promise.resolve(sorted(partition, (sort) => sort.startsWith(sortPrefix))),
    between(partition, { from, to, latestFirst = false, most = Infinity }) {
      const found = sorted(partition, (sort) => sort >= from && sort <= to);
      return Promise.resolve((latestFirst ? found.toReversed() : found).slice(0, most));
    },
  };
}

const ENDED: ReadonlySet<string> = new Set(['ExecutionSucceeded', 'ExecutionFailed', 'ExecutionTimedOut', 'ExecutionAborted']);

export interface EngineTimes {
  /** Of one start, and of a status question per job that it asks about. */
  readonly startMs: number;
  readonly statusMsPerJob: number;
}

/** An engine that takes its time, as one at the other end of a network does; what it answers is as it stood when it was asked. */
export function countedEngine(engine: Engine, tally: () => Tally, pause: (ms: number) => Promise<void>, times: EngineTimes): Engine {
  return new Proxy(engine, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return async (...parameters: readonly unknown[]): Promise<unknown> => {
        count(tally().engineCalls, String(name));
        if (name === 'start') await pause(times.startMs);
        const answer: unknown = await Reflect.apply(method, target, parameters);
        const [asked] = parameters;
        if (name === 'status' && Array.isArray(asked)) await pause(times.statusMsPerJob * asked.length);
        return answer;
      };
    },
  });
}
