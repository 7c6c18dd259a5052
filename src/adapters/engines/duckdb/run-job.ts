/**
 * One job from its order to its outcome, inside a worker process: mark that it was begun, find or fetch the inputs, run the
 * stages, write the output next to its target, rename. Nothing is thrown: a job's bad end is an outcome.
 */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Json } from '#domain/json';
import { copyOptions } from './copy-options.ts';
import { messageOf, openDatabase } from './database.ts';
import type { Database } from './database.ts';
import type { DuckdbInput } from './definition.ts';
import { writeDurably } from './durable-file.ts';
import { fetchInput } from './fetch-input.ts';
import { inputPath, targetPath } from './paths.ts';
import type { NamedPath, TargetPath } from './paths.ts';
import { JobFailure, NO_RECORDS } from './protocol.ts';
import type { JobOrder, JobOutcome, RecordCounts } from './protocol.ts';
import { reference } from './reference.ts';

/** A file that SQL may read, under the name by which messages may call it. */
interface ReadyInput {
  readonly name: string;
  readonly localPath: string;
  readonly shown: string;
}

/** What is known so far, kept outside so that a failure can still report it. */
interface Progress {
  counts: RecordCounts;
  /** Local path → what the job's owner calls it. */
  readonly shownPaths: Map<string, string>;
}

/** `onBegun` is called once the job's mark is on disk, and not where it cannot be made: nothing of such a job runs. */
export async function runJob(order: JobOrder, stop: AbortSignal, onBegun: () => void): Promise<JobOutcome> {
  const progress: Progress = { counts: NO_RECORDS, shownPaths: new Map([[order.mark, path.basename(order.mark)]]) };
  try {
    await writeDurably(order.mark, '');
    onBegun();
    const target = await targetPath(order.outputRoot, named(order, order.definition.target.path, 'target.path'));
    progress.shownPaths.set(order.temporaryOutput, target.relative);
    const inputs = await readyInputs(order, stop);
    for (const { localPath, shown } of inputs) progress.shownPaths.set(localPath, shown);
    const warning = await transform(order, inputs, target, progress, stop);
    await putInPlace(order, target, stop);
    const message = warning === undefined ? {} : { message: withoutLocalPaths(warning, order, progress) };
    return { state: 'succeeded', counts: progress.counts, outputs: [target.relative], ...message };
  } catch (error) {
    await rm(order.temporaryOutput, { force: true });
    if (stop.aborted) return { state: 'stopped', counts: progress.counts };
    return { state: 'failed', counts: progress.counts, message: withoutLocalPaths(messageOf(error), order, progress) };
  }
}

async function readyInputs(order: JobOrder, stop: AbortSignal): Promise<readonly ReadyInput[]> {
  const inputs: ReadyInput[] = [];
  for (const input of order.definition.inputs ?? []) {
    stop.throwIfAborted();
    inputs.push(input.url === undefined ? await localInput(order, input) : await fetchedInput(order, input, input.url, stop));
  }
  return inputs;
}

async function localInput(order: JobOrder, input: DuckdbInput): Promise<ReadyInput> {
  const file = named(order, input.path ?? '', `inputs.${input.name}`);
  return { name: input.name, localPath: await inputPath(order.inputRoot, file), shown: file.given };
}

async function fetchedInput(order: JobOrder, input: DuckdbInput, url: string, stop: AbortSignal): Promise<ReadyInput> {
  const folder = path.join(order.scratch, 'fetched');
  await mkdir(folder, { recursive: true });
  const { given, origin } = named(order, url, `inputs.${input.name}`);
  const download = {
    name: input.name,
    url: given,
    origin,
    folder,
    allowedHosts: input['allowed-hosts'] ?? [],
    timeoutSeconds: input['timeout-seconds'],
    maxBytes: input['max-bytes'],
  };
  return { name: input.name, ...(await fetchInput(download, stop)) };
}

/** Runs the stages and writes the unfinished output. Answers a warning when records were left out. */
async function transform(
  order: JobOrder,
  inputs: readonly ReadyInput[],
  target: TargetPath,
  progress: Progress,
  stop: AbortSignal,
): Promise<string | undefined> {
  // By its name the next service knows whose unfinished output to remove, should this process be killed.
  await mkdir(order.scratch, { recursive: true });
  await mkdir(path.dirname(order.temporaryOutput), { recursive: true });
  const database = await openDatabase({
    allowedPaths: [...inputs.map(({ localPath }) => localPath), order.temporaryOutput],
    spillFolder: path.join(order.scratch, 'spill'),
    memoryLimit: order.memoryLimit,
  });
  try {
    const values = valuesOf(order, inputs);
    const rejects = await runStages(order, database, values, progress, stop);
    const { sql } = order.definition.target;
    const copy = copyOptions(order.definition.target, order.temporaryOutput, target.relative);
    const outputRecordCount = await database.copy({ where: 'target', sql, values }, copy, stop);
    progress.counts = { ...progress.counts, outputRecordCount };
    return rejects;
  } finally {
    database.close();
  }
}

async function runStages(
  order: JobOrder,
  database: Database,
  values: Readonly<Record<string, Json>>,
  progress: Progress,
  stop: AbortSignal,
): Promise<string | undefined> {
  let rejected = await database.rejected();
  let refusedRows = 0;
  for (const { name, role, sql } of order.definition.stages ?? []) {
    const rows = await database.run({ where: `stage ${name}`, sql, values }, stop);
    const now = await database.rejected();
    const read = role === 'input' ? rows + now.count - rejected.count : 0;
    rejected = now;
    refusedRows += role === 'errors' ? rows : 0;
    progress.counts = {
      ...progress.counts,
      inputRecordCount: progress.counts.inputRecordCount + read,
      errorRecordCount: rejected.count + refusedRows,
    };
  }
  return rejected.count === 0 ? undefined : `${rejected.count} rejected, first: ${rejected.first ?? 'unknown'}`;
}

async function putInPlace(order: JobOrder, target: TargetPath, stop: AbortSignal): Promise<void> {
  const file = await open(order.temporaryOutput, 'r+');
  // A rename may outlive its file's content in a power cut.
  await file.sync();
  await file.close();
  const place = await target.confirm();
  stop.throwIfAborted();
  await rename(order.temporaryOutput, place);
}

/** Input names win over parameters: a caller cannot replace a resolved path. */
function valuesOf(order: JobOrder, inputs: readonly ReadyInput[]): Readonly<Record<string, Json>> {
  const taken = new Set(inputs.map(({ name }) => name.toLowerCase()));
  const given = Object.entries(order.parameters).filter(([name]) => !taken.has(name.toLowerCase()));
  const present = new Set(given.map(([name]) => name.toLowerCase()));
  const absent = (order.definition.optional ?? []).filter((name) => !present.has(name.toLowerCase())).map((name) => [name, null] as const);
  return Object.fromEntries([...absent, ...given, ...inputs.map(({ name, localPath }) => [name, localPath] as const)]);
}

/** `planOrder` has seen to it that a referenced parameter is a text. */
function named(order: JobOrder, location: string, field: string): NamedPath {
  const from = reference(location);
  if (from.kind === 'literal') return { given: from.text, origin: field };
  const value = order.parameters[from.name];
  if (typeof value !== 'string') throw new JobFailure(`$${from.name}: a text is expected`);
  return { given: value, origin: `$${from.name}` };
}

/** DuckDB's messages name files by where they lie on this machine, which is nobody's business. */
function withoutLocalPaths(message: string, order: JobOrder, { shownPaths }: Progress): string {
  const places = [...shownPaths, [`${order.scratch}${path.sep}`, ''] as const];
  return places.reduce((text, [place, shown]) => text.replaceAll(place, shown), message);
}
