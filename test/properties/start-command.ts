/** Starting a run, and all that may be said to that. */
import { expect } from 'vitest';
import type { Answer } from '#test/functions/http-call';
import { slug } from '#test/functions/api';
import { begun, expectedOf, prepare, type Demand, type Keys, type Refusal } from './demand.ts';
import { jobId, stateOf, type Command, type Model, type ParameterSet, type Real } from './model.ts';

export interface AskedRun {
  readonly user: string;
  readonly name: string;
  readonly pair: string;
  readonly sets: readonly ParameterSet[];
  readonly since: Since | undefined;
}

export type Since = 'the beginning' | 'half a minute ago' | 'now';

/** `known`: of what would be started now, if somebody has planned that; `any`: of one of all plans. */
export type IfMatch = 'known' | 'any' | 'malformed' | undefined;

export interface AskedKeys {
  readonly key: string | undefined;
  readonly ifMatch: IfMatch;
}

export const demandOf = ({ user, name, pair, sets, since }: AskedRun, model: Model): Demand => ({
  ...{ user, name, pair, sets },
  sinceMs: sinceMs(since, model),
});

export const sinceMs = (since: Since | undefined, { beganAtMs, nowMs }: Model): number | undefined =>
  since === undefined ? undefined : { 'the beginning': beganAtMs, 'half a minute ago': nowMs - 30_000, now: nowMs }[since];

export const sinceOf = (ms: number | undefined): object => (ms === undefined ? {} : { 'skip-succeeded-since': new Date(ms).toISOString() });

export const bodyOf = ({ user, name, pair, sets, sinceMs: since }: Demand, own: string): object => ({
  'user-id': `${own}-${user}`,
  'user-run-id': `${own}-${name}`,
  'source-type': `${own}-${pair}`,
  'target-type': 'x',
  'runtime-parameters': sets,
  ...sinceOf(since),
});

const NO_PLAN = '0'.repeat(64);

/** The headers of a request, and what they say. */
export function keysOf(
  { key, ifMatch }: AskedKeys,
  demand: Demand | undefined,
  model: Model,
  own: string,
): { readonly headers: Record<string, string>; readonly keys: Keys } {
  const now = demand && prepare(model, demand);
  const known = now && 'prepared' in now ? model.plans.get(now.prepared.plan) : undefined;
  const any = [...model.plans.values()][0];
  const planHash = ifMatch === 'known' ? (known ?? NO_PLAN) : ifMatch === 'any' ? (any ?? NO_PLAN) : undefined;
  const text = ifMatch === 'malformed' ? '"3"' : planHash === undefined ? undefined : `"${planHash}"`;
  const headers = {
    ...(key === undefined ? {} : { 'idempotency-key': isWellFormed(key) ? `${own}-${key}` : key }),
    ...(text === undefined ? {} : { 'if-match': text }),
  };
  return { headers, keys: { key, planHash } };
}

export const isWellFormed = (key: string): boolean => !key.includes(' ');

/** Headers that cannot be read are told before anything else. */
export function expectMalformed(answer: Answer, { key, ifMatch }: AskedKeys): boolean {
  const wrong = key !== undefined && !isWellFormed(key) ? 'Idempotency-Key' : ifMatch === 'malformed' ? 'If-Match' : undefined;
  if (wrong === undefined) return false;
  expect([answer.status, slug(answer), answer.body.errors?.map(({ pointer }) => pointer)]).toEqual([400, 'invalid-request', [wrong]]);
  return true;
}

export function expectRefused(answer: Answer, { status, slug: type, errors, plan }: Refusal, model: Model): void {
  const told = answer.body.errors?.map(({ pointer, rule }) => `${pointer} ${rule}`).toSorted();
  expect([answer.status, slug(answer), told]).toEqual([status, type, errors?.toSorted()]);
  if (plan !== undefined) expectPlanHash(model, plan, answer.headers['etag']?.slice(1, -1));
}

/** Equal plans have equal hashes, and no two plans have one. */
export function expectPlanHash(model: Model, plan: string, hash: string | undefined): void {
  const namesakes = [...model.plans].filter(([name, known]) => name === plan || known === hash);
  expect(namesakes).toEqual(namesakes.length === 0 ? [] : [[plan, hash]]);
  expect(hash).toMatch(/^[0-9a-f]{64}$/);
  model.plans.set(plan, hash ?? '');
}

/** An answer to a start, of a request or of a clone. */
export function expectStart(answer: Answer, demand: Demand, keys: Keys, model: Model): void {
  const expected = expectedOf(model, demand, keys);
  const { status, body, headers } = answer;
  if ('refused' in expected) {
    expectRefused(answer, expected.refused, model);
    return;
  }
  if ('allSkipped' in expected) {
    expect([status, body]).toEqual([200, { status: 'OK', 'run-id': null, 'skipped-sets': expected.allSkipped }]);
    return;
  }
  const isNew = 'started' in expected;
  const run = isNew ? begun(model, String(body['run-id']), demand, expected.started, keys) : expected.replayed;
  expect([status, body['run-id'], body['state'], headers['location']]).toEqual([
    isNew ? 202 : 200,
    run.id,
    stateOf(run),
    `/v1/runs/${run.id}`,
  ]);
  expect(body['job-ids']).toEqual(run.jobs.map((_, index) => jobId(run, index)));
  expect(body['skipped-sets']).toBe(run.skipped > 0 ? run.skipped : undefined);
}

export class StartRun implements Command {
  private readonly asked: AskedRun & AskedKeys;
  constructor(asked: AskedRun & AskedKeys) {
    this.asked = asked;
  }
  check(): boolean {
    return true;
  }
  async run(model: Model, { world, own }: Real): Promise<void> {
    model.asked.push(this);
    const demand = demandOf(this.asked, model);
    const { headers, keys } = keysOf(this.asked, demand, model, own);
    const answer = await world.ask('POST /v1/runs', { body: bodyOf(demand, own), headers });
    if (demand.sets.length > 0 && expectMalformed(answer, this.asked)) return;
    expectStart(answer, demand, keys, model);
  }
  toString(): string {
    return `StartRun(${JSON.stringify(this.asked)})`;
  }
}
