/** Requests about what there is not, and lists that are asked for in words that nobody knows. */
import { expect } from 'vitest';
import { slug } from '#test/functions/api';
import type { Command, Model, Real } from './model.ts';

const NO_RUN = { runId: 'run_01K00000000000000000000000' };
const NO_JOB = { jobId: 'job_01K00000000000000000000000_00000' };

const ABSENT: readonly (readonly [string, Parameters<Real['world']['ask']>[1]])[] = [
  ['GET /v1/runs/{runId}', { path: NO_RUN }],
  ['GET /v1/runs/{runId}/jobs', { path: NO_RUN }],
  ['POST /v1/runs/{runId}/cancel', { path: NO_RUN }],
  ['POST /v1/runs/{runId}/retry', { path: NO_RUN, body: {} }],
  ['POST /v1/runs/{runId}/clone', { path: NO_RUN, body: { 'user-run-id': 'x' } }],
  ['POST /v1/jobs/{jobId}/cancel', { path: NO_JOB }],
];

/** Each with the parameter that is wrong. */
const WRONG_QUERIES: readonly (readonly [string, string])[] = [
  ['state', 'ENDED'],
  ['template-id', 'csv'],
  ['from', 'yesterday'],
  ['before', '2026-01-01T00:00:00'],
  ['parameter', 'London'],
  ['limit', '0'],
  ['limit', '501'],
];

export class AskForNothing implements Command {
  private readonly chosen: number;
  constructor(chosen: number) {
    this.chosen = chosen;
  }
  check(): boolean {
    return true;
  }
  async run(_model: Model, { world, own }: Real): Promise<void> {
    const [routeKey = '', asked] = ABSENT[this.chosen % ABSENT.length] ?? [];
    const absent = await world.ask(routeKey, asked);
    expect([absent.status, slug(absent)]).toEqual([404, 'not-found']);
    const [name = '', value = ''] = WRONG_QUERIES[this.chosen % WRONG_QUERIES.length] ?? [];
    const wrong = await world.ask('GET /v1/runs', { query: { 'user-id': own, [name]: value } });
    expect([wrong.status, slug(wrong), wrong.body.errors?.map(({ pointer }) => pointer)]).toEqual([400, 'invalid-request', [name]]);
  }
  toString(): string {
    return `AskForNothing(${this.chosen})`;
  }
}

/** A cursor is for the list that it came from, and for no other one. */
export class ForeignCursor implements Command {
  check({ runs }: Readonly<Model>): boolean {
    return runs.length > 1;
  }
  async run({ runs }: Model, { world, own }: Real): Promise<void> {
    const first = await world.ask('GET /v1/runs', { query: { limit: '1' } });
    const cursor = String(first.body['next-cursor']);
    expect(first.body['next-cursor']).toBeDefined();
    for (const query of [{ 'user-id': `${own}-${runs[0]?.user ?? ''}` }, { state: 'RUNNING' }]) {
      const answer = await world.ask('GET /v1/runs', { query: { ...query, cursor } });
      expect([answer.status, slug(answer)]).toEqual([400, 'malformed-cursor']);
    }
  }
  toString(): string {
    return 'ForeignCursor';
  }
}
