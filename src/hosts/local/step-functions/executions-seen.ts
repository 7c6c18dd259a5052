/** Executions as DescribeExecution and ListExecutions see them: open or closed, top-level or child of a Map Run. */
import type { JsonObject } from '#domain/json';
import { ApiError } from './api-error.ts';
import { type ApiParts, machineOf } from './api-parts.ts';
import { childName, executionAddressOf, mapRunAddressOf } from './arns.ts';
import type { Execution } from './execution.ts';
import { openExecution, summariesOf, type Summary, summaryOf } from './executions.ts';
import { type Ending, endingOf, type Fact, isEnd } from './facts.ts';
import { type Input, invalid, optionalText, pageOf, text } from './requests.ts';

/** An execution of any kind, as DescribeExecution and ListExecutions see it. */
export interface Seen {
  readonly startedAtMs: number;
  readonly machineName: string;
  readonly name: string;
  readonly inputText?: string;
  readonly ended?: Ending;
  readonly mapRunArn?: string;
}

export async function durableFacts({ journal }: ApiParts, key: string): Promise<readonly Fact[]> {
  await journal.durable();
  return await journal.read(key);
}

export async function found(parts: ApiParts, arn: string): Promise<Seen> {
  const { key, ordinal } = executionAddressOf(arn);
  const open = ordinal === undefined ? undefined : openExecution(parts.executions, key, ordinal);
  const summary = await summaryOf(parts.executions, key);
  const seen =
    ordinal === undefined || summary === undefined
      ? summary
      : open === undefined
        ? childrenOf(parts, summary, await durableFacts(parts, key)).get(ordinal)?.seen
        : seenChild(parts, summary, open);
  if (seen === undefined) throw new ApiError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
  return seen;
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

interface SeenChild {
  readonly arn: string;
  readonly run: number;
  readonly seen: Seen;
}

/** Children of a closed or half-closed Map Run are in their parent's journal only. */
function childrenOf(parts: ApiParts, { machineName, name }: Summary, facts: readonly Fact[]): ReadonlyMap<number, SeenChild> {
  const labels = new Map<number, string>();
  const children = new Map<number, SeenChild>();
  for (const fact of facts) {
    if (fact.type === 'MapRunStarted') labels.set(fact.run, fact.label);
    if (fact.x === undefined) continue;
    if (fact.type === 'ExecutionStarted' && fact.parent !== undefined) {
      const label = labels.get(fact.parent.run) ?? '';
      const seen = {
        startedAtMs: fact.at,
        machineName,
        name: childName(name, fact.x),
        inputText: JSON.stringify(fact.input),
        mapRunArn: parts.arns.mapRun(machineName, label, name, fact.parent.run),
      };
      children.set(fact.x, { arn: parts.arns.childExecution(machineName, label, name, fact.x), run: fact.parent.run, seen });
      continue;
    }
    const child = children.get(fact.x);
    const ended = isEnd(fact) ? endingOf(fact) : undefined;
    if (child !== undefined && ended !== undefined) children.set(fact.x, { ...child, seen: { ...child.seen, ended } });
  }
  return children;
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

const STATUSES = ['SUCCEEDED', 'TIMED_OUT', 'PENDING_REDRIVE', 'ABORTED', 'FAILED', 'RUNNING'];

export async function listExecutions(parts: ApiParts, input: Input): Promise<JsonObject> {
  const status = optionalText(input, 'statusFilter');
  if (status !== undefined && !STATUSES.includes(status))
    invalid(status, 'statusFilter', `Member must satisfy enum value set: [${STATUSES.join(', ')}]`);
  const mapRunArn = optionalText(input, 'mapRunArn');
  const all = mapRunArn === undefined ? await ofMachine(parts, input) : await ofMapRun(parts, mapRunArn);
  const { items, nextToken } = pageOf(
    all.filter((one) => status === undefined || one['status'] === status),
    input,
  );
  return { executions: items, ...(nextToken !== undefined && { nextToken }) };
}

async function ofMachine(parts: ApiParts, input: Input): Promise<readonly JsonObject[]> {
  const machine = machineOf(parts, text(input, 'stateMachineArn'));
  const summaries = await summariesOf(parts.executions, machine.name);
  return summaries.map((summary) => listed(parts, parts.arns.execution(machine.name, summary.name), summary));
}

async function ofMapRun(parts: ApiParts, mapRunArn: string): Promise<readonly JsonObject[]> {
  const { key, run } = mapRunAddressOf(mapRunArn);
  const summary = await summaryOf(parts.executions, key);
  if (summary === undefined) throw new ApiError('ResourceNotFound', `Resource not found: '${mapRunArn}'`);
  const children = [...childrenOf(parts, summary, await durableFacts(parts, key)).values()].filter((child) => child.run === run);
  return children.reverse().map(({ arn, seen }) => listed(parts, arn, seen));
}

function listed({ arns }: ApiParts, executionArn: string, { machineName, name, startedAtMs, ended, mapRunArn }: Seen): JsonObject {
  return {
    executionArn,
    stateMachineArn: arns.stateMachine(machineName),
    name,
    status: ended?.status ?? 'RUNNING',
    startDate: startedAtMs / 1000,
    ...(ended && { stopDate: ended.atMs / 1000 }),
    redriveCount: 0,
    ...(mapRunArn !== undefined && { mapRunArn }),
  };
}
