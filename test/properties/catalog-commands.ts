/** Putting templates and patterns. */
import { expect } from 'vitest';
import { slug } from '#test/functions/api';
import type { Command, Model, Real } from './model.ts';

export const KINDS: Readonly<Record<string, { readonly body: object; readonly pointer?: string }>> = {
  open: { body: { name: 'Open', engine: 'sleep' } },
  strict: {
    body: {
      name: 'Strict',
      engine: 'sleep',
      'source-parameters': { MODE: 'static' },
      overridable: ['MODE'],
      'target-parameters': { LOCKED: 'yes' },
      'parameters-schema': {
        type: 'object',
        required: ['CITY'],
        properties: { CITY: { type: 'string' }, DAYS: { type: 'integer', default: 7 } },
      },
    },
  },
  'no engine': { body: { name: 'x', engine: 'none' }, pointer: '/engine' },
  'no schema': { body: { name: 'x', engine: 'sleep', 'parameters-schema': { type: 'objekt' } }, pointer: '/parameters-schema/type' },
};

export class PutTemplate implements Command {
  private readonly id: string;
  private readonly kind: string;
  constructor(id: string, kind: string) {
    this.id = id;
    this.kind = kind;
  }
  check(): boolean {
    return true;
  }
  async run(model: Model, { world, own }: Real): Promise<void> {
    const { body, pointer } = KINDS[this.kind] ?? { body: {} };
    const templateId = `tmpl_${own}-${this.id}`;
    const answer = await world.ask('PUT /v1/templates/{templateId}', { path: { templateId }, body });
    if (pointer !== undefined) {
      const pointers = new Set(answer.body.errors?.map((error) => error.pointer));
      expect([answer.status, slug(answer), [...pointers]]).toEqual([422, 'invalid-template', [pointer]]);
      return;
    }
    const versions = model.templates.get(this.id) ?? [];
    const change = versions.length === 0 ? 'created' : versions.at(-1) === this.kind ? 'unchanged' : 'changed';
    if (change !== 'unchanged') versions.push(this.kind);
    model.templates.set(this.id, versions);
    expect([answer.status, answer.headers['sluice-change'], answer.body['version']]).toEqual([
      change === 'created' ? 201 : 200,
      change,
      versions.length,
    ]);
    const shown = await world.ask('GET /v1/templates/{templateId}', { path: { templateId } });
    expect([shown.status, shown.body]).toEqual([200, answer.body]);
  }
  toString(): string {
    return `PutTemplate(${this.id}, ${this.kind})`;
  }
}

export class PutPattern implements Command {
  private readonly pair: string;
  private readonly template: string;
  constructor(pair: string, template: string) {
    this.pair = pair;
    this.template = template;
  }
  check(): boolean {
    return true;
  }
  async run(model: Model, { world, own }: Real): Promise<void> {
    const path = { sourceType: `${own}-${this.pair}`, targetType: 'x' };
    const body = { 'template-id': `tmpl_${own}-${this.template}` };
    const answer = await world.ask('PUT /v1/patterns/{sourceType}/{targetType}', { path, body });
    if (!model.templates.has(this.template)) {
      expect([answer.status, slug(answer)]).toEqual([422, 'no-template']);
      return;
    }
    const before = model.patterns.get(this.pair);
    model.patterns.set(this.pair, this.template);
    const change = before === undefined ? 'created' : before === this.template ? 'unchanged' : 'changed';
    expect([answer.status, answer.headers['sluice-change']]).toEqual([before === undefined ? 201 : 200, change]);
  }
  toString(): string {
    return `PutPattern(${this.pair} → ${this.template})`;
  }
}
