/** Looking at what a request would start. */
import { expect } from 'vitest';
import type { PlanView } from '#contract/plan-view';
import { prepare } from './demand.ts';
import { effectiveOf, setKeyOf } from './kinds.ts';
import { templateIdOf, type Command, type Model, type Real } from './model.ts';
import { bodyOf, demandOf, expectPlanHash, expectRefused, type AskedRun } from './start-command.ts';

export class PlanRun implements Command {
  private readonly asked: AskedRun;
  private readonly limit: number;
  constructor(asked: AskedRun, limit: number) {
    this.asked = asked;
    this.limit = limit;
  }
  check(): boolean {
    return true;
  }
  async run(model: Model, { world, own }: Real): Promise<void> {
    const demand = demandOf(this.asked, model);
    const expected = prepare(model, demand);
    const sets: unknown[] = [];
    let cursor: string | undefined;
    do {
      const query = { limit: String(this.limit), ...(cursor === undefined ? {} : { cursor }) };
      const answer = await world.ask('POST /v1/runs/plan', { body: bodyOf(demand, own), query });
      if ('refused' in expected) {
        expectRefused(answer, expected.refused, model);
        return;
      }
      const { template, version, places, skipped, plan } = expected.prepared;
      const page = answer.body as unknown as PlanView;
      expect([answer.status, answer.headers['etag']]).toEqual([200, `"${page['plan-hash']}"`]);
      expectPlanHash(model, plan, page['plan-hash']);
      expect(page).toMatchObject({
        'template-id': templateIdOf(own, template),
        'template-version': version,
        engine: 'sleep',
        'set-count': places.length,
        'skipped-sets': skipped,
      });
      expect(page.sets.length).toBeLessThanOrEqual(this.limit);
      sets.push(...page.sets);
      cursor = page['next-cursor'];
    } while (cursor !== undefined);
    const { kind, places } = expected.prepared;
    expect(sets).toEqual(
      places.map((index) => {
        const set = demand.sets[index] ?? {};
        return { index, 'set-key': setKeyOf(kind, set), parameters: effectiveOf(kind, set) };
      }),
    );
  }
  toString(): string {
    return `PlanRun(${JSON.stringify(this.asked)}, ${this.limit})`;
  }
}
