/** What the operations of the API work with. */
import type { JsonObject } from '#domain/json';
import { ApiError } from './api-error.ts';
import { type ArnSpace, machineNameOf } from './arns.ts';
import type { Executions } from './executions.ts';
import type { Journal } from './journal.ts';
import type { MachineRecord, Machines } from './machines.ts';
import type { Input } from './requests.ts';

export interface ApiParts {
  readonly machines: Machines;
  readonly executions: Executions;
  readonly journal: Journal;
  readonly arns: ArnSpace;
  readonly region: string;
  readonly nowMs: () => number;
  readonly newId: () => string;
}

export type Operation = (input: Input) => Promise<JsonObject>;

export function machineOf({ machines }: ApiParts, arn: string): MachineRecord {
  const record = machines.find(machineNameOf(arn));
  if (record === undefined) throw new ApiError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${arn}'`);
  return record;
}
