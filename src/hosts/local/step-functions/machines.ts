/**
 * The state machines: a document each, and one more per revision of a definition, since an execution goes on with the revision that it
 * started with even when the machine is updated or deleted.
 *
 *   machines                   <name>       what DescribeStateMachine answers, with the current revision
 *   revisions                  <revision>   the definition's text
 */
import { createHash } from 'node:crypto';
import { ApiError } from './api-error.ts';
import { parseDefinition, type WorkflowType } from './definition.ts';
import { documentsOf, joined } from './long-documents.ts';
import type { Machine } from './machine.ts';
import type { CheckpointStore } from './ports.ts';
import { DefinitionRefused } from './refusals.ts';

export interface MachineRecord {
  readonly name: string;
  readonly arn: string;
  readonly definition: string;
  readonly roleArn: string;
  readonly createdAtMs: number;
  readonly revision: string;
  /** Absent until the first update, as in DescribeStateMachine. */
  readonly updatedAtMs?: number;
}

export interface Machines {
  load(): Promise<void>;
  find(name: string): MachineRecord | undefined;
  all(): readonly MachineRecord[];
  save(record: MachineRecord): Promise<void>;
  remove(name: string): Promise<void>;
  definition(revision: string): Promise<string>;
  /** Compiled once per revision and shared by all executions. */
  compiled(revision: string): Promise<Machine>;
}

const MACHINES = 'machines';
const REVISIONS = 'revisions';

export function createMachines(store: CheckpointStore): Machines {
  const records = new Map<string, MachineRecord>();
  const machines = new Map<string, Machine>();
  let loaded: Promise<void> | undefined;

  const load = async (): Promise<void> => {
    for (const { body } of joined(await store.read(MACHINES))) {
      const record = JSON.parse(body) as MachineRecord;
      records.set(record.name, record);
    }
  };
  const definition = async (revision: string): Promise<string> => {
    const [stored] = joined(await store.read(REVISIONS, revision));
    if (stored === undefined) throw new Error(`The journal names the definition ${revision}, which is not stored.`);
    return stored.body;
  };
  return {
    definition,
    load: () => (loaded ??= load()),
    find: (name) => records.get(name),
    all: () => [...records.values()].sort((left, right) => left.createdAtMs - right.createdAtMs),
    async save(record) {
      const known = records.get(record.name);
      records.set(record.name, record);
      try {
        await store.write(
          [
            ...documentsOf({ partition: REVISIONS, sort: record.revision, body: record.definition }),
            ...documentsOf({ partition: MACHINES, sort: record.name, body: JSON.stringify(record) }),
          ],
          [],
        );
      } catch (error) {
        if (known === undefined) records.delete(record.name);
        else records.set(record.name, known);
        throw error;
      }
    },
    async remove(name) {
      records.delete(name);
      await store.write([], [{ partition: MACHINES, sort: name }]);
    },
    async compiled(revision) {
      const known = machines.get(revision);
      if (known !== undefined) return known;
      const machine = parseDefinition(await definition(revision));
      machines.set(revision, machine);
      return machine;
    },
  };
}

export function revisionOf(definition: string): string {
  return createHash('sha256').update(definition).digest('hex').slice(0, 32);
}

/** The definition in AWS's words of refusal, if it is refused. */
export function checkDefinition(text: string, type: WorkflowType): void {
  const refused = refusalOf(text, type);
  if (refused) throw new ApiError('InvalidDefinition', `Invalid State Machine Definition: '${refused.message}'`);
}

export function refusalOf(text: string, type: WorkflowType): DefinitionRefused | undefined {
  try {
    parseDefinition(text, type);
    return undefined;
  } catch (error) {
    if (error instanceof DefinitionRefused) return error;
    throw error;
  }
}
