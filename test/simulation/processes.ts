/**
 * Where operations run: processes as Lambda has them. Each serves one invocation at a time, dies at any call or when its time
 * is up, is frozen between two invocations with whatever it had not finished, and has a clock of its own.
 */
import { Fault, type FaultName } from '#domain/faults';
import type { Ports } from '#operations/ports';
import type { CallFate, CallKind, Faults } from './faults.ts';
import type { Scheduler } from './scheduler.ts';
import type { Trace } from './trace.ts';

export interface Call<Result> {
  readonly kind: CallKind;
  readonly what: () => string;
  /** Where it is decided already. */
  readonly fate?: CallFate;
  /** Done in one piece. */
  readonly effect: () => Result | Promise<Result>;
  /** What the caller hears when it is not told the outcome. */
  readonly unavailable: FaultName;
  /** What a transaction answers that met another one, and a lone write that met itself. */
  readonly beaten?: () => Result;
  /** Of an effect that comes late or again. */
  readonly lateByMs?: () => number;
}

export interface Process {
  readonly name: string;
  /** How far its clock is off. */
  readonly skewMs: number;
  call<Result>(call: Call<Result>): Promise<Result>;
  pause(milliseconds: number): Promise<void>;
}

export type Invocation<Result> =
  | { readonly kind: 'answered'; readonly value: Result }
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'died'; readonly how: 'crashed' | 'timed-out' };

export interface Processes {
  invoke<Result>(name: string, limitSeconds: number, work: (ports: Ports) => Promise<Result>): Promise<Invocation<Result>>;
  /** Invocations under way. */
  busy(): number;
}

export interface ProcessesInput {
  readonly scheduler: Scheduler;
  readonly faults: Faults;
  readonly trace: Trace;
  readonly skewMs: () => number;
  readonly portsOf: (process: Process) => Ports;
  /** Whether all others die with the one that crashes now: then whoever comes next begins with nothing remembered. */
  readonly dieTogether?: () => boolean;
}

interface Inside extends Process {
  isDead: boolean;
  /** Of the invocation under way; absent while frozen. */
  deadlineMs: number | undefined;
  die: (how: 'crashed' | 'timed-out') => void;
  /** Goes on when the process is used again. */
  readonly frozen: (() => void)[];
}

const never = <Result>(): Promise<Result> => new Promise<Result>(() => undefined);

export function processes(input: ProcessesInput): Processes {
  const { scheduler, trace, portsOf, dieTogether = () => false } = input;
  const idle: { readonly process: Inside; readonly ports: Ports }[] = [];
  const serving = new Set<Inside>();
  let made = 0;
  let busy = 0;
  const newProcess = (): { readonly process: Inside; readonly ports: Ports } => {
    const process = processNamed(`p${(made += 1)}`, input);
    return { process, ports: portsOf(process) };
  };
  return {
    busy: () => busy,
    invoke<Result>(name: string, limitSeconds: number, work: (ports: Ports) => Promise<Result>) {
      let place = idle.pop();
      while (place?.process.isDead === true) place = idle.pop();
      place ??= newProcess();
      const own = place;
      const { process, ports } = own;
      busy += 1;
      serving.add(process);
      process.deadlineMs = scheduler.nowMs() + limitSeconds * 1000;
      trace.note(() => `${process.name} begins ${name}`);
      for (const goOn of process.frozen.splice(0)) scheduler.after(0, goOn);
      return new Promise<Invocation<Result>>((resolve) => {
        let isOver = false;
        const answer = (invocation: Invocation<Result>): void => {
          if (invocation.kind === 'died') process.isDead = true;
          if (isOver) return;
          isOver = true;
          serving.delete(process);
          if (invocation.kind === 'died' && invocation.how === 'crashed' && dieTogether()) {
            for (const other of idle.splice(0)) other.process.isDead = true;
            for (const other of [...serving]) other.die('crashed');
          }
          trace.note(() => `${process.name} ends ${name}: ${textOf(invocation)}`);
          busy -= 1;
          process.deadlineMs = undefined;
          if (!process.isDead) idle.push(own);
          resolve(invocation);
        };
        process.die = (how) => {
          answer({ kind: 'died', how });
        };
        work(ports).then(
          (value) => {
            answer({ kind: 'answered', value });
          },
          (error: unknown) => {
            answer({ kind: 'failed', error: error instanceof Error ? error : new Error(String(error)) });
          },
        );
      });
    },
  };
}

function textOf(invocation: Invocation<unknown>): string {
  switch (invocation.kind) {
    case 'answered':
      return JSON.stringify(invocation.value ?? 'done').slice(0, 300);
    case 'failed':
      return `${invocation.error.name}: ${invocation.error.message}`;
    case 'died':
      return invocation.how;
  }
}

function processNamed(name: string, { scheduler, faults, trace, skewMs }: ProcessesInput): Inside {
  const process: Inside = {
    name,
    skewMs: skewMs(),
    isDead: false,
    deadlineMs: undefined,
    die: () => undefined,
    frozen: [],
    async pause(milliseconds) {
      await turn(process, scheduler, milliseconds);
    },
    async call({ kind, what, effect, unavailable, beaten, lateByMs = () => 0, fate = faults.callFate(kind, what) }) {
      await turn(process, scheduler, faults.callDelayMs());
      trace.note(() => `${name}   ${what()}${fate === 'ok' ? '' : ` (${fate})`}`);
      const cameToNothing = (): Fault => new Fault(unavailable, `the call was ${fate}`);
      switch (fate) {
        case 'ok':
          return effect();
        case 'again':
          scheduler.after(lateByMs(), () => void effect());
          return effect();
        case 'refused':
          throw cameToNothing();
        case 'late':
          scheduler.after(lateByMs(), () => {
            trace.note(() => `${name}   ${what()} takes effect`);
            void effect();
          });
          throw cameToNothing();
        case 'lost':
          await effect();
          throw cameToNothing();
        case 'conflict':
          if (beaten) return beaten();
          throw cameToNothing();
        case 'repeated':
          await effect();
          if (beaten) return beaten();
          throw cameToNothing();
        case 'crash-after':
          await effect();
          process.die('crashed');
          return never();
        case 'crash-before':
          process.die('crashed');
          return never();
      }
    },
  };
  return process;
}

/** Never comes for a process that has died meanwhile or whose time is up before, and only later for one that is frozen. */
async function turn(process: Inside, scheduler: Scheduler, delayMs: number): Promise<void> {
  const { deadlineMs } = process;
  if (deadlineMs !== undefined && scheduler.nowMs() + delayMs > deadlineMs) {
    scheduler.after(deadlineMs - scheduler.nowMs(), () => {
      // Of this invocation, not of a later one.
      if (process.deadlineMs === deadlineMs) process.die('timed-out');
    });
  }
  await scheduler.turn(delayMs);
  if (process.isDead) return never();
  if (process.deadlineMs !== undefined) return;
  await new Promise<void>((resolve) => process.frozen.push(resolve));
}
