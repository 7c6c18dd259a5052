/** From a start to a worker's order. What is wrong here would be wrong at every attempt, so the start is refused. */
import path from 'node:path';
import type { EngineStart } from '#domain/engine-job';
import type { EngineJobId } from '#domain/ids';
import { parseDefinition } from './definition.ts';
import { UNFINISHED } from './paths.ts';
import type { JobOrder } from './protocol.ts';
import { reference } from './reference.ts';
import { markFile } from './results.ts';
import { refusedStatements } from './statements.ts';

export interface Places {
  readonly inputRoot: string;
  readonly outputRoot: string;
  readonly workDir: string;
  readonly memoryLimit: string;
}

export type PlannedOrder = { readonly kind: 'order'; readonly order: JobOrder } | { readonly kind: 'refused'; readonly message: string };

export function planOrder(id: EngineJobId, { definition, parameters }: EngineStart, places: Places): PlannedOrder {
  const parsed = parseDefinition(definition);
  const problem = parsed.kind === 'problems' ? parsed.problems[0] : refusedStatements(parsed.definition)[0];
  if (problem !== undefined)
    return { kind: 'refused', message: `the template's definition is not valid: ${problem.pointer} ${problem.message}` };
  if (parsed.kind === 'problems') return { kind: 'refused', message: `the template's definition is not valid` };
  const locations = [...(parsed.definition.inputs ?? []).map((input) => input.path ?? input.url ?? ''), parsed.definition.target.path];
  for (const location of locations) {
    const from = reference(location);
    if (from.kind === 'literal' || typeof parameters[from.name] === 'string') continue;
    const message = parameters[from.name] === undefined ? 'this parameter is needed and was not given' : 'a text is expected';
    return { kind: 'refused', message: `$${from.name}: ${message}` };
  }
  const { inputRoot, outputRoot, memoryLimit } = places;
  return {
    kind: 'order',
    order: {
      definition: parsed.definition,
      parameters,
      inputRoot,
      outputRoot,
      memoryLimit,
      scratch: scratchFolder(places.workDir, id),
      temporaryOutput: temporaryOutput(outputRoot, id),
      mark: markFile(places.workDir, id),
    },
  };
}

export function scratchRoot(workDir: string): string {
  return path.resolve(workDir, 'scratch');
}

export function scratchFolder(workDir: string, id: EngineJobId): string {
  return path.join(scratchRoot(workDir), id);
}

export function temporaryOutput(outputRoot: string, id: EngineJobId): string {
  return path.resolve(outputRoot, UNFINISHED, `${id}.part`);
}
