/**
 * Whether the time of a refusal tells what was wrong with the token. Two kinds of refusal are timed in turns, in an order that
 * is drawn, and compared by Mann–Whitney: the probability that one of the first kind took longer than one of the second. Where
 * nothing can be told it is one half; by chance it is farther away than the bound once in a thousand times.
 */
import { setImmediate } from 'node:timers/promises';
import { dynamoApiTokenStore } from '#adapters/dynamodb/api-token-store';
import { dynamoJobStore } from '#adapters/dynamodb/job-store';
import { dynamoRunStore } from '#adapters/dynamodb/run-store';
import type { Table } from '#adapters/dynamodb/table';
import { SCOPES } from '#domain/api-token';
import { instant } from '#domain/ids';
import { authenticate, digestOfSecret, newSecret, refusedLate, tokenText } from '#hosts/lambda/authentication';
import { verifyJobToken } from '#operations/job-tokens';
import { registerJob } from '#operations/register-job';
import { startTestDatabase } from '#test/support/dynamodb';
import { jobPorts } from '#test/support/job-ports';
import { seededRandom } from './seeded-random.ts';

type Row = readonly [what: string, figure: string, budget: string];

const NOW = instant(Date.UTC(2026, 10, 21));
const BEFORE = instant(Date.UTC(2026, 10, 20));
/** Of a normal distribution: once in a thousand, on both sides together. */
const ONCE_IN_A_THOUSAND = 3.29;

export async function tokenTiming(samples: number): Promise<readonly Row[]> {
  const database = await startTestDatabase();
  try {
    const { table } = await database.freshTable();
    const store = dynamoApiTokenStore(table);
    const secret = newSecret();
    const common = { secretDigest: digestOfSecret(secret), scopes: SCOPES, createdAt: BEFORE, createdBy: 'bench' };
    await store.create({ ...common, id: 'GOOD', name: 'good', lastUse: { at: BEFORE, from: '10.0.0.1' } });
    await store.create({ ...common, id: 'ENDED', name: 'ended', revoked: { at: BEFORE, by: 'bench' } });
    const ask = async (token: string): Promise<number> => {
      // A turn of its own: timers count from the beginning of theirs, with all that was done in it before.
      await setImmediate();
      const from = performance.now();
      const caller = await authenticate(store, `Bearer ${token}`, NOW);
      const took = performance.now() - from;
      if (caller) throw new Error('a token was let in that opens nothing');
      return took;
    };
    const unknown = (): string => tokenText('NONE', newSecret());
    const wrong = (): string => tokenText('GOOD', newSecret());
    const revoked = (): string => tokenText('ENDED', secret);
    const row = async (what: string, first: () => string, second: () => string): Promise<Row> => {
      const { probability, bound } = await compared(
        samples,
        () => ask(first()),
        () => ask(second()),
      );
      return [`${what}: which took longer, of ${samples} each`, probability.toFixed(3), `0.5 ± ${bound.toFixed(3)}`];
    };
    await compared(
      20,
      () => ask(unknown()),
      () => ask(wrong()),
    );
    return [
      await row('unknown token or wrong secret', unknown, wrong),
      await row('unknown token or a revoked one', unknown, revoked),
      ...(await jobTokenTiming(samples, table)),
    ];
  } finally {
    await database.close();
  }
}

/** Whether the time of a refusal tells that there is a job. */
async function jobTokenTiming(samples: number, table: Table): Promise<readonly Row[]> {
  const stores = { ...jobPorts(table), runs: dynamoRunStore(table), jobs: dynamoJobStore(table) };
  const ports = { ...stores, clock: { now: () => NOW, pause: () => Promise.resolve() } };
  const registered = await registerJob(ports, { pipeline: 'bench', parents: [], data: {}, limits: {}, requestedBy: 'bench' });
  if (registered.kind !== 'registered') throw new Error(registered.kind);
  const { job, issued } = registered;
  const ask = async (jobId: string, presented: string): Promise<number> => {
    await setImmediate();
    const from = performance.now();
    // As every route that a job's token opens does (hosts/lambda/job-access.ts).
    const verified = await refusedLate(() => verifyJobToken(ports, { jobId, presented, from: '10.0.0.1' }));
    const took = performance.now() - from;
    if (verified) throw new Error('a token was let in that opens nothing');
    return took;
  };
  const wrong = (): Promise<number> => ask(job.id, `slj_${issued.token.id}.${newSecret()}`);
  const noJob = (): Promise<number> => ask('107fffff-ffff-5fff-8fff-ffffffffffff', `slj_${issued.token.id}.${newSecret()}`);
  await compared(20, noJob, wrong);
  const { probability, bound } = await compared(samples, noJob, wrong);
  const what = `no such job or a wrong token of one: which took longer, of ${samples} each`;
  return [[what, probability.toFixed(3), `0.5 ± ${bound.toFixed(3)}`]];
}

async function compared(
  samples: number,
  first: () => Promise<number>,
  second: () => Promise<number>,
): Promise<{ readonly probability: number; readonly bound: number }> {
  const random = seededRandom(samples);
  const times: { readonly ms: number; readonly isFirst: boolean }[] = [];
  for (let pair = 0; pair < samples; pair += 1) {
    const firstBefore = random() < 0.5;
    for (const isFirst of [firstBefore, !firstBefore]) times.push({ ms: await (isFirst ? first() : second()), isFirst });
  }
  return { probability: mannWhitney(times), bound: ONCE_IN_A_THOUSAND * Math.sqrt((2 * samples + 1) / (12 * samples * samples)) };
}

/** U / (n · m), with equal times counted as half. */
export function mannWhitney(times: readonly { readonly ms: number; readonly isFirst: boolean }[]): number {
  const sorted = times.toSorted((a, b) => a.ms - b.ms);
  const firsts = sorted.filter(({ isFirst }) => isFirst).length;
  let rankSum = 0;
  for (let from = 0; from < sorted.length;) {
    let to = from;
    while (to < sorted.length && sorted[to]?.ms === sorted[from]?.ms) to += 1;
    const meanRank = (from + 1 + to) / 2;
    for (let at = from; at < to; at += 1) if (sorted[at]?.isFirst) rankSum += meanRank;
    from = to;
  }
  return (rankSum - (firsts * (firsts + 1)) / 2) / (firsts * (sorted.length - firsts));
}
