/**
 * Worker processes: started when there is work, kept warm for the next task, ended when idle. An idle service holds none.
 *
 *   take() ─▶ starting ─ready─▶ asked ─answer─▶ idle ─take()─▶ asked …
 *                │                │              └─ idle for a while ─▶ ended
 *                └── exit ────────┴──▶ the task's reply is `died`
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { FromWorker, ToWorker, WorkerAnswer, WorkerTask } from './protocol.ts';

export interface PoolOptions {
  readonly workerUrl: URL;
  readonly size: number;
  readonly idleMs: number;
  /** All that a worker sees of the environment: SQL has no business with the service's secrets. */
  readonly environment: Readonly<Record<string, string>>;
}

export type Reply =
  | { readonly kind: 'answer'; readonly answer: WorkerAnswer; readonly engineId: string }
  /** `wasReady` is false when the process could not even begin, which another attempt will not change. */
  | { readonly kind: 'died'; readonly wasReady: boolean; readonly how: string };

export interface Worker {
  readonly pid: number | undefined;
  /** One task at a time; the worker goes back to the pool before the reply is given. `onBegun` tells when a job is under way. */
  ask(task: WorkerTask, onBegun?: () => void): Promise<Reply>;
  stop(): void;
  kill(): void;
}

export interface WorkerPool {
  /** An idle worker, or a new one while there are fewer than `size`, else undefined. Whoever takes one must ask it. */
  take(): Worker | undefined;
  /** Kills all workers; resolves when they are gone. */
  close(): Promise<void>;
}

interface Member extends Worker {
  readonly gone: Promise<void>;
}

export function workerPool(options: PoolOptions): WorkerPool {
  const members = new Set<Member>();
  const idle: Member[] = [];
  let isClosed = false;
  const forget = (member: Member): void => {
    const at = idle.indexOf(member);
    if (at >= 0) idle.splice(at, 1);
  };
  const add = (): Member => {
    const member = startWorker(options, {
      onIdle: () => idle.push(member),
      onRetire: () => {
        forget(member);
      },
      onGone: () => {
        forget(member);
        members.delete(member);
      },
    });
    members.add(member);
    return member;
  };
  return {
    take() {
      if (isClosed) return undefined;
      // The one used last is taken first, so that the others can grow old and end.
      return idle.pop() ?? (members.size < options.size ? add() : undefined);
    },
    async close() {
      isClosed = true;
      const gone = [...members].map((member) => member.gone);
      for (const member of members) member.kill();
      await Promise.all(gone);
    },
  };
}

interface Asked {
  readonly task: WorkerTask;
  readonly onBegun: (() => void) | undefined;
  readonly reply: (reply: Reply) => void;
  isStopping: boolean;
}

interface PoolHooks {
  onIdle(): void;
  onRetire(): void;
  onGone(): void;
}

function startWorker({ workerUrl, idleMs, environment }: PoolOptions, hooks: PoolHooks): Member {
  const child = fork(workerUrl, [], { execArgv: [], env: { ...environment }, stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  let engineId: string | undefined;
  let idleTimer: NodeJS.Timeout | undefined;
  let asked: Asked | undefined;

  const send = (message: ToWorker): void => {
    // A closed channel is no news here: the exit that closed it is told by its own event.
    child.send(message, () => undefined);
  };
  const reply = (message: Reply): void => {
    const settled = asked;
    asked = undefined;
    settled?.reply(message);
  };
  const retire = (): void => {
    hooks.onRetire();
    child.disconnect();
  };
  child.on('message', (message: FromWorker) => {
    if (message.kind === 'ready') {
      engineId = message.engineId;
      if (asked !== undefined) send(asked.task);
      if (asked?.isStopping === true) send({ kind: 'stop' });
      return;
    }
    if (message.kind === 'begun') {
      asked?.onBegun?.();
      return;
    }
    idleTimer = setTimeout(retire, idleMs);
    hooks.onIdle();
    reply({ kind: 'answer', answer: message, engineId: engineId ?? '' });
  });
  const gone = whenGone(child).then((how) => {
    clearTimeout(idleTimer);
    hooks.onGone();
    reply({ kind: 'died', wasReady: engineId !== undefined, how });
  });
  return {
    pid: child.pid,
    gone,
    ask(task, onBegun) {
      clearTimeout(idleTimer);
      return new Promise((resolve) => {
        asked = { task, onBegun, reply: resolve, isStopping: false };
        if (engineId !== undefined) send(task);
      });
    },
    stop() {
      if (asked === undefined) return;
      asked.isStopping = true;
      if (engineId !== undefined) send({ kind: 'stop' });
    },
    kill() {
      child.kill('SIGKILL');
    },
  };
}

function whenGone(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      resolve(signal ?? `exit code ${code ?? 'unknown'}`);
    });
    child.on('error', (error) => {
      // Without a process there is no exit to come.
      if (child.pid === undefined) resolve(error.message);
    });
  });
}
