/**
 * A worker process: runs one job at a time in DuckDB, where a long query, a crash or a full memory hurts nobody else.
 * It lives only as long as its parent: when the channel closes, for whatever reason, it is gone at once.
 */
import { version } from '@duckdb/node-api';
import { checkStatements } from './database.ts';
import type { FromWorker, ToWorker } from './protocol.ts';
import { runJob } from './run-job.ts';

let stopper = new AbortController();

process.on('disconnect', () => {
  // Not process.exit: it would wait for DuckDB's threads, which may be in the middle of an hour's work.
  process.kill(process.pid, 'SIGKILL');
});
// Ctrl-C reaches the whole process group; when workers end is the parent's decision.
process.on('SIGINT', () => undefined);
process.on('message', (message: ToWorker) => void receive(message));
answer({ kind: 'ready', engineId: `duckdb ${version()}` });

async function receive(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'run':
      stopper = new AbortController();
      answer({ kind: 'ended', outcome: await runJob(message.order, stopper.signal, begun) });
      return;
    case 'check':
      answer({ kind: 'checked', statements: await checkStatements(message.statements) });
      return;
    case 'stop':
      stopper.abort();
  }
}

function begun(): void {
  answer({ kind: 'begun' });
}

function answer(message: FromWorker): void {
  // A parent that was killed hears nothing, and `disconnect` follows: the error has nobody else to tell.
  process.send?.(message, undefined, undefined, () => undefined);
}
