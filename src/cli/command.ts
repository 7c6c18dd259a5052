/** What a command is, and what it gets to work with: nothing of it knows about the process it runs in. */
import type { SluiceClient } from '#client/sluice-client';

/**
 * 0 all succeeded · 1 some failed · 2 the request or the command line is wrong · 3 the wait timed out, the run goes on ·
 * 4 the token is missing, unknown or not enough · 5 cancelled · 70 the service or this program failed.
 */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5 | 70;

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

export interface Context {
  readonly client: SluiceClient;
  /** What was resolved from flag, environment or file. */
  readonly token: string | undefined;
  /** A job's own, of the environment; for the commands that report a job. */
  readonly jobToken: string | undefined;
  readonly stdout: Output;
  readonly stderr: Output;
  /** On whose behalf, where no flag says. */
  readonly userName: string;
  /** A name that no other start has. */
  readonly newRunName: (userName: string) => string;
  /** The text of a file that the user named. */
  readonly readText: (path: string) => string;
  /** Writes a file that its owner alone can read. */
  readonly writeSecret: (path: string, text: string) => void;
}

export interface Flag {
  /** What stands for the value in the help; a flag without it takes none. */
  readonly value?: string;
  readonly short?: string;
  readonly multiple?: true;
  readonly help: string;
}

/** One flag as it was given, in its place: `-p` and `--set` mean something by their order. */
export interface GivenFlag {
  readonly name: string;
  readonly value: string | undefined;
}

export interface Invocation {
  readonly operands: readonly string[];
  /** Of a flag that is given several times, the last. */
  text(flag: string): string | undefined;
  has(flag: string): boolean;
  readonly given: readonly GivenFlag[];
  /** Absent without --json; empty for all fields. */
  readonly json: readonly string[] | undefined;
}

export interface Command {
  readonly group: string;
  readonly name: string;
  /** Of its group: flags that stand where a command's name would are for this one. */
  readonly isDefault?: true;
  readonly summary: string;
  readonly operands: readonly string[];
  readonly flags: Readonly<Record<string, Flag>>;
  /** What --json can print; none where the command has no --json. */
  readonly fields: readonly string[];
  readonly notes?: string;
  readonly examples: readonly string[];
  /** The first line of a failure: what did not happen. */
  readonly undone: string;
  run(context: Context, invocation: Invocation): Promise<ExitCode>;
}

/** A failure in the three lines that the user sees: what happened, why, what to do next. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exitCode: ExitCode;
  readonly what: string;
  readonly why: string;
  readonly next: string;

  constructor(exitCode: ExitCode, lines: { readonly what: string; readonly why: string; readonly next: string }) {
    super(`${lines.what}: ${lines.why}`);
    this.exitCode = exitCode;
    this.what = lines.what;
    this.why = lines.why;
    this.next = lines.next;
  }
}

/** The command line is wrong; what to do next is to read the help of the command, unless something better is known. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly next: string | undefined;

  constructor(message: string, next?: string) {
    super(message);
    this.next = next;
  }
}
