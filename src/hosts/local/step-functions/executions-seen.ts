/** Executions as DescribeExecution and ListExecutions see them: open or closed, top-level or child of a Map Run. */
import type { JsonObject } from '#domain/json';
import { ApiError } from './api-error.ts';
import { type ApiParts, machineOf } from './api-parts.ts';
import { childName, executionAddressOf, mapRunAddressOf } from './arns.ts';
import type { Execution } from './execution.ts';
import { openExecution } from './executions.ts';
import { type Ending, endingOf, isEnd } from './facts.ts';
import { durableIndex, eventReader, indexedExecution } from './history-page.ts';
import { type Input, invalid, optionalText, type Page, pageRequest, pageToken, text, textPageRequest } from './requests.ts';
import { STARTED_SORT, startedPage, type Summary, summaryOf } from './summaries.ts';

/** An execution of any kind, as DescribeExecution and ListExecutions see it. */
export interface Seen {
  readonly startedAtMs: number;
  readonly machineName: string;
  readonly name: string;
  readonly inputText?: string;
  readonly ended?: Ending;
  readonly mapRunArn?: string;
}

export async function found(parts: ApiParts, arn: string): Promise<Seen> {
  const { key, ordinal } = executionAddressOf(arn);
  const summary = await summaryOf(parts.executions, key);
  const seen = summary === undefined || ordinal === undefined ? summary : await foundChild(parts, summary, ordinal);
  if (seen === undefined) throw new ApiError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
  return seen;
}

/** A child that has ended is in the journal only. */
async function foundChild(parts: ApiParts, summary: Summary, ordinal: number): Promise<Seen | undefined> {
  const { key, machineName, name } = summary;
  const open = openExecution(parts.executions, key, ordinal);
  if (open !== undefined) return seenChild(parts, summary, open);
  const index = await durableIndex(parts, key);
  const child = await indexedExecution(index, ordinal);
  if (child === undefined) return undefined;
  const { run, startedAtMs, locations } = child;
  const events = eventReader(parts.executions.store, key, child);
  const lastId = locations.at(-1)?.lastId ?? 1;
  const [[started], [last]] = [await events.between(1, 1), await events.between(lastId, lastId)];
  return {
    startedAtMs,
    machineName,
    name: childName(name, ordinal),
    ...(started?.type === 'ExecutionStarted' && { inputText: JSON.stringify(started.input) }),
    ...(last !== undefined && isEnd(last) && { ended: endingOf(last) }),
    mapRunArn: parts.arns.mapRun(machineName, (await index.mapRun(run))?.label ?? '', name, run),
  };
}

function seenChild(parts: ApiParts, summary: Summary, { child, startedAtMs, input }: Execution): Seen {
  const { run, ordinal = 0 } = child ?? {};
  const mapRunArn = parts.arns.mapRun(summary.machineName, run?.label ?? '', summary.name, run?.run ?? 0);
  return {
    startedAtMs,
    machineName: summary.machineName,
    name: childName(summary.name, ordinal),
    inputText: JSON.stringify(input),
    mapRunArn,
  };
}

const INCLUDED = { included: true };

export function describe(
  parts: ApiParts,
  executionArn: string,
  { startedAtMs, machineName, name, inputText = '{}', ended, mapRunArn }: Seen,
): JsonObject {
  const outcome: JsonObject =
    ended === undefined
      ? {}
      : ended.status === 'SUCCEEDED'
        ? { stopDate: ended.atMs / 1000, output: JSON.stringify(ended.output), outputDetails: INCLUDED }
        : {
            stopDate: ended.atMs / 1000,
            ...(ended.error !== undefined && { error: ended.error }),
            ...(ended.cause !== undefined && { cause: ended.cause }),
          };
  return {
    executionArn,
    stateMachineArn: parts.arns.stateMachine(machineName),
    name,
    status: ended?.status ?? 'RUNNING',
    startDate: startedAtMs / 1000,
    ...outcome,
    input: inputText,
    inputDetails: INCLUDED,
    redriveCount: 0,
    ...(ended === undefined || ended.status === 'SUCCEEDED'
      ? { redriveStatus: 'NOT_REDRIVABLE', redriveStatusReason: `Execution is ${ended?.status ?? 'RUNNING'} and cannot be redriven` }
      : {}),
    ...(mapRunArn !== undefined && { mapRunArn }),
  };
}

/** What a list needs of an execution. */
interface Listed {
  readonly startedAtMs: number;
  readonly ended?: Pick<Ending, 'status' | 'atMs'>;
}

const STATUSES = ['SUCCEEDED', 'TIMED_OUT', 'PENDING_REDRIVE', 'ABORTED', 'FAILED', 'RUNNING'];

export async function listExecutions(parts: ApiParts, input: Input): Promise<JsonObject> {
  const status = optionalText(input, 'statusFilter');
  if (status !== undefined && !STATUSES.includes(status))
    invalid(status, 'statusFilter', `Member must satisfy enum value set: [${STATUSES.join(', ')}]`);
  const mapRunArn = optionalText(input, 'mapRunArn');
  const { items, nextToken } =
    mapRunArn === undefined ? await ofMachine(parts, input, status) : await ofMapRun(parts, input, status, mapRunArn);
  return { executions: items, ...(nextToken !== undefined && { nextToken }) };
}

/** The token is when the next page's first execution was started, so that those that start meanwhile do not move the pages. */
async function ofMachine(parts: ApiParts, input: Input, status: string | undefined): Promise<Page<JsonObject>> {
  const { name: machineName } = machineOf(parts, text(input, 'stateMachineArn'));
  const { most, position: from } = textPageRequest(input, STARTED_SORT);
  const { items, next } = await startedPage(parts.executions, machineName, { status, most, from });
  return {
    items: items.map((item) => listed(parts, parts.arns.execution(machineName, item.name), { ...item, machineName })),
    ...(next !== undefined && { nextToken: pageToken(next) }),
  };
}

/** The latest first. The token is the ordinal to go on from, so children that start meanwhile do not move the pages. */
async function ofMapRun(parts: ApiParts, input: Input, status: string | undefined, mapRunArn: string): Promise<Page<JsonObject>> {
  const { key, run } = mapRunAddressOf(mapRunArn);
  const summary = await summaryOf(parts.executions, key);
  if (summary === undefined) throw new ApiError('ResourceNotFound', `Resource not found: '${mapRunArn}'`);
  const { most, position } = pageRequest(input);
  const index = await durableIndex(parts, key);
  const { label, first, last } = (await index.mapRun(run)) ?? NO_CHILDREN;
  const { machineName, name } = summary;
  const items: JsonObject[] = [];
  for await (const child of index.downwards(Math.min(position ?? last, last), first)) {
    if (child.run !== run || (status !== undefined && statusOf(child) !== status)) continue;
    if (items.length === most) return { items, nextToken: pageToken(child.ordinal) };
    const seen = {
      ...child,
      machineName,
      name: childName(name, child.ordinal),
      mapRunArn: parts.arns.mapRun(machineName, label, name, run),
    };
    items.push(listed(parts, parts.arns.childExecution(machineName, label, name, child.ordinal), seen));
  }
  return { items };
}

const NO_CHILDREN = { label: '', first: 1, last: 0 };

function statusOf({ ended }: Listed): string {
  return ended?.status ?? 'RUNNING';
}

function listed({ arns }: ApiParts, executionArn: string, seen: Listed & Pick<Seen, 'machineName' | 'name' | 'mapRunArn'>): JsonObject {
  const { machineName, name, startedAtMs, ended, mapRunArn } = seen;
  return {
    executionArn,
    stateMachineArn: arns.stateMachine(machineName),
    name,
    status: statusOf(seen),
    startDate: startedAtMs / 1000,
    ...(ended && { stopDate: ended.atMs / 1000 }),
    redriveCount: 0,
    ...(mapRunArn !== undefined && { mapRunArn }),
  };
}
