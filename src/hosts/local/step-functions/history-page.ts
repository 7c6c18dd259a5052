/** GetExecutionHistory: a page reads the documents that its events lie in, and no others. */
import type { JsonObject } from '#domain/json';
import { ApiError } from './api-error.ts';
import type { ApiParts } from './api-parts.ts';
import { executionAddressOf } from './arns.ts';
import { LOCAL_ROLE } from './context.ts';
import type { Fact } from './facts.ts';
import { eventOf, isTaskFact } from './history-events.ts';
import { factsIn } from './journal-documents.ts';
import type { IndexedExecution } from './journal-index.ts';
import type { CheckpointStore } from './ports.ts';
import { type Input, pageRequest, pageToken, text } from './requests.ts';
import { type IndexReader, indexReader } from './stored-index.ts';
import { summaryOf } from './summaries.ts';

export async function historyPage(parts: ApiParts, input: Input): Promise<JsonObject> {
  const arn = text(input, 'executionArn');
  const { key, machineName, ordinal } = executionAddressOf(arn);
  const summary = await summaryOf(parts.executions, key);
  const execution = summary && (await indexedExecution(await durableIndex(parts, key), ordinal));
  if (execution === undefined) throw new ApiError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
  const { first, last, nextToken } = idsOf(input, execution.locations.at(-1)?.lastId ?? 0);
  const history = eventReader(parts.executions.store, key, execution);
  const facts = await history.between(first, last);
  const resources = await resourcesOf(history, facts);
  const rootName = key.slice(machineName.length + 1);
  const mapRunArn = (run: number, label: string): string => parts.arns.mapRun(machineName, label, rootName, run);
  const events = facts.map((fact) => eventOf(fact, resources.get(fact), { region: parts.region, roleArn: LOCAL_ROLE, mapRunArn }));
  return { events: input['reverseOrder'] === true ? events.reverse() : events, ...(nextToken !== undefined && { nextToken }) };
}

/** The index after everything that was recorded before this call is durable. */
export async function durableIndex({ executions, journal }: ApiParts, key: string): Promise<IndexReader> {
  await journal.durable();
  return await indexReader(executions.store, key, journal.indexOf(key));
}

/** `ordinal` is undefined for the top-level execution, which has the first row of the index. */
export async function indexedExecution(index: IndexReader, ordinal: number | undefined): Promise<IndexedExecution | undefined> {
  const found = await index.execution(ordinal ?? 0);
  return found !== undefined && found.run > 0 === (ordinal !== undefined) ? found : undefined;
}

interface EventIds {
  readonly first: number;
  readonly last: number;
  readonly nextToken?: string;
}

/**
 * Event ids count from 1 without a gap. A token is how many events precede its page, and against the order how many are left for it:
 * events that come between two pages then change neither.
 */
function idsOf(input: Input, total: number): EventIds {
  const { most, position } = pageRequest(input);
  if (input['reverseOrder'] === true) {
    const last = Math.min(position ?? total, total);
    const first = Math.max(1, last - most + 1);
    return { first, last, ...(first > 1 && { nextToken: pageToken(first - 1) }) };
  }
  const before = position ?? 0;
  const last = Math.min(before + most, total);
  return { first: before + 1, last, ...(last < total && last > before && { nextToken: pageToken(last) }) };
}

export interface EventReader {
  /** The events with these ids, in order. */
  between(first: number, last: number): Promise<readonly Fact[]>;
}

export function eventReader(store: CheckpointStore, key: string, { ordinal, locations }: IndexedExecution): EventReader {
  const known = new Map<number, Fact[]>();
  const child = ordinal === 0 ? undefined : ordinal;
  return {
    async between(first, last) {
      const wanted = locations.filter(({ lastId }, at) => lastId >= first && (locations[at - 1]?.lastId ?? 0) < last);
      const missing = wanted.map(({ document }) => document).filter((document) => !known.has(document));
      for (const document of missing) known.set(document, []);
      for (const { fact, document } of await factsIn(store, key, missing)) if (fact.x === child) known.get(document)?.push(fact);
      const facts = wanted.flatMap(({ document }) => known.get(document) ?? []);
      return facts.filter(({ id }) => id !== undefined && id >= first && id <= last);
    },
  };
}

/** Only its TaskScheduled says what a task is for: on this page, or some events before it, where the links of the thread lead to. */
async function resourcesOf(history: EventReader, facts: readonly Fact[]): Promise<ReadonlyMap<Fact, string | undefined>> {
  const resources = new Map<Fact, string | undefined>();
  const current = new Map<number, string | undefined>();
  for (const fact of facts) {
    if (!isTaskFact(fact)) continue;
    const thread = fact.t ?? 0;
    if (fact.type === 'TaskScheduled' || !current.has(thread)) current.set(thread, await resourceOf(history, fact));
    resources.set(fact, current.get(thread));
  }
  return resources;
}

async function resourceOf(history: EventReader, task: Fact): Promise<string | undefined> {
  let fact: Fact | undefined = task;
  while (fact !== undefined && fact.type !== 'TaskScheduled') {
    const before: number = fact.prev ?? 0;
    [fact] = before === 0 ? [] : await history.between(before, before);
  }
  return fact?.resource;
}
