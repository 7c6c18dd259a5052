/** The files that jobs leave: each is its set's, whole, at every moment at which it can be seen. */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { PlannedRound, PlannedSet } from './plan.ts';
import type { Violation } from './violations.ts';

export interface OutputEvidence {
  readonly digest: string;
  readonly rows: number;
}

/** Every file below the root, by its path from there. */
export function outputsBelow(root: string): ReadonlyMap<string, OutputEvidence> {
  return new Map(filesBelow(root).map((name) => [name, outputOf(readFileSync(join(root, name)))]));
}

function filesBelow(root: string): readonly string[] {
  if (!existsSync(root)) return [];
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => statSync(join(root, name), { throwIfNoEntry: false })?.isFile() === true);
}

export function outputOf(content: Buffer): OutputEvidence {
  let lines = 0;
  for (let at = content.indexOf('\n'); at >= 0; at = content.indexOf('\n', at + 1)) lines += 1;
  return { digest: digestOf(content), rows: lines - 1 };
}

const digestOf = (content: Buffer | string): string => createHash('sha256').update(content).digest('hex');

export function expectedContent({ rows, tag }: PlannedSet): string {
  return `n,tag\n${Array.from({ length: rows }, (_, n) => `${n},${tag}\n`).join('')}`;
}

const expected = new WeakMap<PlannedSet, string>();

function expectedDigest(set: PlannedSet): string {
  const digest = expected.get(set) ?? digestOf(expectedContent(set));
  expected.set(set, digest);
  return digest;
}

/** What is wrong with the output of a set; undefined where it is whole. */
export function damage(set: PlannedSet, output: OutputEvidence): string | undefined {
  if (output.digest === expectedDigest(set)) return undefined;
  return `left ${output.rows} rows of ${set.rows} in ${set.target}, or others`;
}

export interface WatchedOutputs {
  /** Of the outputs that came or changed since the last look: those that are not whole. */
  torn(): readonly Violation[];
}

/** Looks after every kill: a later attempt would write over what an earlier one has left. */
export function watchOutputs(root: string, plan: readonly PlannedRound[]): WatchedOutputs {
  const sets = new Map(plan.flatMap(({ runs }) => runs.flatMap((run) => run.sets.map((set) => [set.target, set] as const))));
  const seen = new Map<string, number>();
  return {
    torn: () =>
      filesBelow(root).flatMap((name) => {
        const set = sets.get(name);
        const changedMs = statSync(join(root, name), { throwIfNoEntry: false })?.mtimeMs;
        // A temporary file is judged in the end.
        if (set === undefined || changedMs === undefined || seen.get(name) === changedMs) return [];
        seen.set(name, changedMs);
        const what = damage(set, outputOf(readFileSync(join(root, name))));
        return what === undefined ? [] : [{ id: name, what: `${what}, right after a kill` }];
      }),
  };
}
