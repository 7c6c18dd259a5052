/** From counts to what AWS bills, with the memory that serverless.yml gives each function. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import * as z from 'zod';
import { total, type Tally } from './counting.ts';
import type { Billed } from '#domain/prices';

const Service = z.object({
  provider: z.object({ memorySize: z.number() }),
  functions: z.record(z.string(), z.object({ memorySize: z.number().optional() })),
});

/** In MB, by function. */
export function functionMemory(serverlessFile: URL): ReadonlyMap<string, number> {
  // CloudFormation's short forms (`!Sub`) mean nothing here.
  const { provider, functions } = Service.parse(parse(readFileSync(serverlessFile, 'utf8'), { logLevel: 'silent' }));
  return new Map(Object.entries(functions).map(([name, { memorySize }]) => [name, memorySize ?? provider.memorySize]));
}

export function billedOf(tally: Tally, memoryMb: ReadonlyMap<string, number>): Billed {
  const gbSeconds = [...tally.milliseconds].map(([name, ms]) => (ms / 1000) * (memoryOf(name, memoryMb) / 1024));
  return {
    transitions: total(tally.transitions),
    invocations: total(tally.invocations),
    gbSeconds: gbSeconds.reduce((sum, part) => sum + part, 0),
    writeUnits: total(tally.writeUnits),
    readUnits: total(tally.readUnits),
    httpCalls: total(tally.httpCalls),
  };
}

function memoryOf(name: string, memoryMb: ReadonlyMap<string, number>): number {
  const mb = memoryMb.get(name);
  if (mb === undefined) throw new Error(`serverless.yml has no function ${name}`);
  return mb;
}

export function times(billed: Billed, factor: number): Billed {
  return {
    transitions: billed.transitions * factor,
    invocations: billed.invocations * factor,
    gbSeconds: billed.gbSeconds * factor,
    writeUnits: billed.writeUnits * factor,
    readUnits: billed.readUnits * factor,
    httpCalls: billed.httpCalls * factor,
  };
}

export function sum(a: Billed, b: Billed): Billed {
  return {
    transitions: a.transitions + b.transitions,
    invocations: a.invocations + b.invocations,
    gbSeconds: a.gbSeconds + b.gbSeconds,
    writeUnits: a.writeUnits + b.writeUnits,
    readUnits: a.readUnits + b.readUnits,
    httpCalls: a.httpCalls + b.httpCalls,
  };
}
