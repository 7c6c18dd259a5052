/** Patterns: putting, reading and deleting them, in the versions that a request means. */
import { expect } from 'vitest';
import { slug } from '#test/functions/api';
import { patternVersion, templateIdOf, templateVersion, type Command, type Model, type Real } from './model.ts';
import { expectGot, expectMalformedCondition, expectPreconditionFailed, headersOf, holds, type Condition } from './preconditions.ts';

abstract class OfPattern implements Command {
  protected readonly pair: string;
  protected readonly condition: Condition | undefined;
  constructor(pair: string, condition?: Condition) {
    this.pair = pair;
    this.condition = condition;
  }
  check(): boolean {
    return true;
  }
  protected pathOf(own: string): Record<string, string> {
    return { sourceType: `${own}-${this.pair}`, targetType: 'x' };
  }
  abstract run(model: Model, real: Real): Promise<void>;
  toString(): string {
    return `${this.constructor.name}(${this.pair}, ${JSON.stringify(this.condition)})`;
  }
}

export class PutPattern extends OfPattern {
  private readonly template: string;
  constructor(pair: string, template: string, condition?: Condition) {
    super(pair, condition);
    this.template = template;
  }
  async run(model: Model, { world, own }: Real): Promise<void> {
    const now = patternVersion(model, this.pair);
    const answer = await world.ask('PUT /v1/patterns/{sourceType}/{targetType}', {
      path: this.pathOf(own),
      body: { 'template-id': templateIdOf(own, this.template) },
      headers: headersOf(this.condition, now),
    });
    if (expectMalformedCondition(answer, this.condition)) return;
    if (!holds(this.condition, now)) {
      expectPreconditionFailed(answer, now);
      return;
    }
    if (templateVersion(model, this.template) === undefined) {
      expect([answer.status, slug(answer)]).toEqual([422, 'no-template']);
      return;
    }
    const pattern = model.patterns.get(this.pair) ?? { template: undefined, version: 0 };
    const change = pattern.template === undefined ? 'created' : pattern.template === this.template ? 'unchanged' : 'changed';
    if (change !== 'unchanged') pattern.version += 1;
    pattern.template = this.template;
    model.patterns.set(this.pair, pattern);
    expect([answer.status, answer.headers['sluice-change'], answer.headers['etag'], answer.body['version']]).toEqual([
      change === 'created' ? 201 : 200,
      change,
      `"${pattern.version}"`,
      pattern.version,
    ]);
  }
  override toString(): string {
    return `PutPattern(${this.pair} → ${this.template}, ${JSON.stringify(this.condition)})`;
  }
}

export class GetPattern extends OfPattern {
  async run(model: Model, { world, own }: Real): Promise<void> {
    const now = patternVersion(model, this.pair);
    const headers = headersOf(this.condition, now);
    const answer = await world.ask('GET /v1/patterns/{sourceType}/{targetType}', { path: this.pathOf(own), headers });
    expectGot(answer, this.condition, now);
    const template = model.patterns.get(this.pair)?.template ?? '';
    if (answer.status === 200) expect(answer.body['template-id']).toBe(templateIdOf(own, template));
  }
}

export class DeletePattern extends OfPattern {
  async run(model: Model, { world, own }: Real): Promise<void> {
    const now = patternVersion(model, this.pair);
    const headers = headersOf(this.condition, now);
    const answer = await world.ask('DELETE /v1/patterns/{sourceType}/{targetType}', { path: this.pathOf(own), headers });
    if (expectMalformedCondition(answer, this.condition)) return;
    const pattern = model.patterns.get(this.pair);
    if (pattern === undefined || now === undefined) expect([answer.status, slug(answer)]).toEqual([404, 'not-found']);
    else if (!holds(this.condition, now)) expectPreconditionFailed(answer, now);
    else {
      expect(answer.status).toBe(204);
      pattern.template = undefined;
    }
  }
}
