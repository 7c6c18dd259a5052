/** The interface to what is limited across runs; part of ports.ts. */
import type { SlotHolder, SlotStanding, StartBudget } from '#domain/slots';

/** Who has and wants slots of what is limited across runs. Names of resources: `template:<id>`, `engine:<name>`. */
export interface SlotStore {
  /** Consistent. */
  load(resource: string): Promise<SlotRead>;
  /** All or nothing; `conflict` when one of the resources has changed since it was read. A holder of nothing that wants nothing goes. */
  hold(holds: readonly SlotHold[]): Promise<'held' | 'conflict'>;
  /** The names of all resources that have holders. */
  resources(): Promise<readonly string[]>;
}

export interface SlotRead extends SlotStanding {
  readonly resource: string;
  readonly version: number;
}

export interface SlotHold {
  readonly read: SlotRead;
  readonly holder: SlotHolder;
  readonly budget?: StartBudget;
}
