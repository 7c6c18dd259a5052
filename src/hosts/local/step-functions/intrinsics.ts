/** The functions that Step Functions adds to JSONata, and the one that it takes away (`$eval`). */
import { createHash, randomUUID } from 'node:crypto';

/** https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html#jsonata-functions-provided-by-sfn */
export const awsFunctions: Readonly<Record<string, unknown>> = {
  partition,
  range,
  hash,
  random,
  uuid: () => randomUUID(),
  parse,
  eval: undefined,
};

const LONGEST_RANGE = 1000;

const ALGORITHMS: Readonly<Record<string, string>> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};

function refuse(message: string): never {
  throw new Error(message);
}

function partition(array: unknown, size: unknown): unknown {
  if (array === undefined || size === undefined) return undefined;
  const elements = Array.isArray(array) ? array : [array];
  if (typeof size !== 'number' || Math.floor(size) < 1) refuse('The chunk size of $partition must be a positive integer.');
  const whole = Math.floor(size);
  const chunks: unknown[] = [];
  for (let start = 0; start < elements.length; start += whole) chunks.push(elements.slice(start, start + whole));
  return chunks;
}

function range(first: unknown, last: unknown, step: unknown): unknown {
  if (typeof first !== 'number' || typeof last !== 'number' || typeof step !== 'number') refuse('The arguments of $range must be numbers.');
  const [from, to, by] = [Math.round(first), Math.round(last), Math.round(step)];
  if (by === 0) refuse('The step of $range must not be 0.');
  const length = Math.max(0, Math.floor((to - from) / by) + 1);
  if (length > LONGEST_RANGE) refuse(`$range cannot return more than ${LONGEST_RANGE} elements.`);
  const numbers = Array.from({ length }, (_, index) => from + index * by);
  // Recorded on AWS: $range(1, 9, 9) is 1. The function answers a JSONata sequence, and a sequence of one is its element.
  return numbers.length === 1 ? numbers[0] : numbers;
}

function hash(value: unknown, algorithm: unknown = 'SHA-256'): unknown {
  if (value === undefined) return undefined;
  const name = ALGORITHMS[String(algorithm)] ?? refuse(`$hash does not know the algorithm ${String(algorithm)}.`);
  return createHash(name)
    .update(typeof value === 'string' ? value : JSON.stringify(value))
    .digest('hex');
}

/** With a seed, the same number every time. AWS's generator is not documented, so the numbers themselves differ from AWS's. */
function random(seed: unknown): unknown {
  if (seed === undefined) return Math.random();
  if (typeof seed !== 'number') refuse('The seed of $random must be a number.');
  return createHash('sha256').update(String(seed)).digest().readUInt32BE(0) / 2 ** 32;
}

function parse(text: unknown): unknown {
  if (text === undefined) return undefined;
  if (typeof text !== 'string') refuse('The argument of $parse must be a string.');
  return JSON.parse(text);
}
