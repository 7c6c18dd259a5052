/** Templates: putting, reading and deleting them, in the versions that a request means. */
import { expect } from 'vitest';
import { slug } from '#test/functions/api';
import { KINDS } from './kinds.ts';
import { isFinal, templateIdOf, templateVersion, type Command, type Model, type Real } from './model.ts';
import { expectGot, expectMalformedCondition, expectPreconditionFailed, headersOf, holds, type Condition } from './preconditions.ts';

abstract class OfTemplate implements Command {
  protected readonly id: string;
  protected readonly condition: Condition | undefined;
  constructor(id: string, condition?: Condition) {
    this.id = id;
    this.condition = condition;
  }
  check(): boolean {
    return true;
  }
  abstract run(model: Model, real: Real): Promise<void>;
  toString(): string {
    return `${this.constructor.name}(${this.id}, ${JSON.stringify(this.condition)})`;
  }
}

export class PutTemplate extends OfTemplate {
  private readonly kind: string;
  constructor(id: string, kind: string, condition?: Condition) {
    super(id, condition);
    this.kind = kind;
  }
  async run(model: Model, { world, own }: Real): Promise<void> {
    const { body, pointer } = KINDS[this.kind] ?? { body: {} };
    const path = { templateId: templateIdOf(own, this.id) };
    const now = templateVersion(model, this.id);
    const answer = await world.ask('PUT /v1/templates/{templateId}', { path, body, headers: headersOf(this.condition, now) });
    if (expectMalformedCondition(answer, this.condition)) return;
    if (pointer !== undefined) {
      const pointers = new Set(answer.body.errors?.map((error) => error.pointer));
      expect([answer.status, slug(answer), [...pointers]]).toEqual([422, 'invalid-template', [pointer]]);
      return;
    }
    if (!holds(this.condition, now)) {
      expectPreconditionFailed(answer, now);
      return;
    }
    const template = model.templates.get(this.id) ?? { versions: [], isThere: false };
    const change = !template.isThere ? 'created' : template.versions.at(-1) === this.kind ? 'unchanged' : 'changed';
    if (change !== 'unchanged') template.versions.push(this.kind);
    template.isThere = true;
    model.templates.set(this.id, template);
    const version = template.versions.length;
    expect([answer.status, answer.headers['sluice-change'], answer.headers['etag'], answer.body['version']]).toEqual([
      change === 'created' ? 201 : 200,
      change,
      `"${version}"`,
      version,
    ]);
    const shown = await world.ask('GET /v1/templates/{templateId}', { path });
    expect([shown.status, shown.body, shown.headers['etag']]).toEqual([200, answer.body, `"${version}"`]);
    expect(shown.body).toMatchObject(body);
  }
  override toString(): string {
    return `PutTemplate(${this.id}, ${this.kind}, ${JSON.stringify(this.condition)})`;
  }
}

export class GetTemplate extends OfTemplate {
  async run(model: Model, { world, own }: Real): Promise<void> {
    const path = { templateId: templateIdOf(own, this.id) };
    const now = templateVersion(model, this.id);
    const answer = await world.ask('GET /v1/templates/{templateId}', { path, headers: headersOf(this.condition, now) });
    expectGot(answer, this.condition, now);
    if (answer.status === 200) expect(answer.body).toMatchObject(KINDS[model.templates.get(this.id)?.versions.at(-1) ?? '']?.body ?? {});
  }
}

/** The versions of a deleted template are still there. */
export class GetTemplateVersion extends OfTemplate {
  private readonly version: number;
  constructor(id: string, version: number, condition?: Condition) {
    super(id, condition);
    this.version = version;
  }
  async run(model: Model, { world, own }: Real): Promise<void> {
    const path = { templateId: templateIdOf(own, this.id), version: String(this.version) };
    const kind = model.templates.get(this.id)?.versions[this.version - 1];
    const found = kind === undefined ? undefined : this.version;
    const headers = headersOf(this.condition, found);
    const answer = await world.ask('GET /v1/templates/{templateId}/versions/{version}', { path, headers });
    expectGot(answer, this.condition, found);
    if (answer.status === 200) expect(answer.body).toMatchObject(KINDS[kind ?? '']?.body ?? {});
  }
}

export class DeleteTemplate extends OfTemplate {
  async run(model: Model, { world, own }: Real): Promise<void> {
    const path = { templateId: templateIdOf(own, this.id) };
    const template = model.templates.get(this.id);
    const now = templateVersion(model, this.id);
    const answer = await world.ask('DELETE /v1/templates/{templateId}', { path, headers: headersOf(this.condition, now) });
    if (expectMalformedCondition(answer, this.condition)) return;
    if (template === undefined || now === undefined) {
      expect([answer.status, slug(answer)]).toEqual([404, 'not-found']);
      return;
    }
    if (!holds(this.condition, now)) {
      expectPreconditionFailed(answer, now);
      return;
    }
    const pairs = [...model.patterns].filter(([, pattern]) => pattern.template === this.id).map(([pair]) => pair);
    const runs = model.runs.filter((run) => run.template === this.id && !isFinal(run)).map(({ id }) => id);
    if (pairs.length + runs.length === 0) {
      expect(answer.status).toBe(204);
      template.isThere = false;
      return;
    }
    expect([answer.status, slug(answer)]).toEqual([409, 'in-use']);
    const patterns = answer.body['patterns'] as readonly Record<string, string>[];
    expect(patterns.map((pattern) => pattern['source-type']).toSorted()).toEqual(pairs.map((pair) => `${own}-${pair}`).toSorted());
    // It names the first ten.
    const told = answer.body['runs'] as readonly string[];
    expect(told.filter((id) => runs.includes(id)).length).toBe(Math.min(10, runs.length));
  }
}
