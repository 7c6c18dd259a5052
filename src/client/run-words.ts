/** What the command line and the console say in the same words. Pure. */
import type { CostView, JobView } from '#contract/views';

/** 1234567 as 1,234,567, on every machine. */
export const number = (value: number): string => value.toLocaleString('en-US');

/** A count with its noun: `1 job`, `1,200 jobs`. */
export const counted = (count: number, one: string, many = `${one}s`): string => `${number(count)} ${count === 1 ? one : many}`;

/** As precise as anybody reads it: `0.04 s`, `12.3 s`, `3 min 05 s`, `2 h 07 min`. */
export function duration(ms: number): string {
  if (ms < 9_995) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`;
}

/** On this machine as well: what the run would have cost on AWS. */
export function costLines(cost: CostView): readonly (readonly [string, string])[] {
  const writes = `${number(cost['dynamodb-write-units'])} write and ${number(cost['dynamodb-read-units'])} read units`;
  const lambda = `${counted(cost['lambda-invocations'], 'invocation')}, ${String(cost['lambda-gigabyte-seconds'])} GB-s`;
  const by = cost['usd-by-kind'];
  const kinds = [
    `${usd(by['step-functions'])} Step Functions`,
    `${usd(by.lambda)} Lambda`,
    `${usd(by['dynamodb-writes'])} writes`,
    `${usd(by['dynamodb-reads'])} reads`,
    `${usd(by['api-requests'])} API`,
  ].join(', ');
  return [
    ['cost', `${usd(cost.usd)} on AWS at list prices (us-east-1), without any free tier`],
    ['of that', `${counted(cost['state-transitions'], 'state transition')}, ${lambda}, ${writes}`],
    ['by kind', `${kinds}; ${number(cost['lambda-milliseconds'])} ms in Lambda`],
    [
      'engine',
      `${counted(cost['engine-starts'], 'start')}, ${counted(cost['engine-status-calls'], 'status call')} in ${counted(cost.ticks, 'tick')}`,
    ],
  ];
}

const usd = (value: number): string => `$${value.toFixed(6)}`;

/** Why a job that goes on is to end; undefined where it is not. */
export function stopText(job: JobView): string | undefined {
  const { stopping } = job;
  if (stopping?.fault !== undefined) return `cannot be stopped yet: ${stopping.fault}`;
  if (stopping?.['forced-at'] !== undefined) return `is being stopped by force (${stopping.reason})`;
  if (job['cancel-requested-at'] !== undefined || stopping?.reason === 'cancelled') return 'is being cancelled';
  return stopping && `is being stopped (${stopping.reason})`;
}

/** Why a job has not begun; undefined where it has, or is about to. */
export function queueText({ queued }: JobView): string | undefined {
  if (queued === undefined) return undefined;
  const { for: what, 'not-before': notBefore } = queued;
  const from = notBefore === undefined ? '' : `, not before ${notBefore}`;
  return what === 'slot' ? `waits for a slot${from}` : `waits for its retry${from}`;
}
