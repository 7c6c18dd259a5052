/**
 * Faults: our inability to do the work, thrown. The names are matched by state machines and stored, so each is a literal
 * (a minifier renames classes) and the list is closed. A *failure* is a job's bad end and is data, never thrown.
 */
export const RETRYABLE = {
  /** The store throttled us or lost three races in a row. */
  StoreBusy: true,
  /** The engine did not answer, or asked us to come back later. */
  EngineUnavailable: true,
  /** The orchestrator did not answer or throttled us. */
  OrchestratorUnavailable: true,
  /** The archives of jobs did not answer, or asked us to come back later. */
  ArchiveUnavailable: true,
  /** A secret that is given by reference cannot be read where it is kept. */
  SecretUnavailable: true,
  /** A path leads out of the root of the archives, or what it leads to may not be read. */
  ArchiveRefused: false,
  /** A task was given an input that its contract does not allow. */
  TaskInputInvalid: false,
  /** A state machine was started with an input that is no run, no request and no schedule. */
  RunRefused: false,
  /** A stored item does not have the shape that its store writes. */
  CorruptItem: false,
  /** Something that must exist does not. */
  Vanished: false,
} as const;

export type FaultName = keyof typeof RETRYABLE;
export const FAULT_NAMES = Object.keys(RETRYABLE) as readonly FaultName[];

export class Fault extends Error {
  override readonly name: FaultName;

  constructor(name: FaultName, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = name;
  }

  get retryable(): boolean {
    return RETRYABLE[this.name];
  }
}
