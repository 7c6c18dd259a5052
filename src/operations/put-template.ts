/** Registers a template: what was registered before stays, as an earlier version. The same body again changes nothing. */
import type { DefinitionProblem } from '#domain/engine-job';
import type { TemplateId } from '#domain/ids';
import type { Template, TemplateBody } from '#domain/template';
import type { Ports } from './ports.ts';

type Needs = Pick<Ports, 'clock' | 'catalog' | 'engines' | 'parameterSchemas' | 'digest'>;

export type PutTemplateOutcome =
  | { readonly kind: 'created' | 'changed' | 'unchanged'; readonly template: Template }
  | { readonly kind: 'invalid'; readonly problems: readonly DefinitionProblem[] }
  | { readonly kind: 'conflict' };

export async function putTemplate(ports: Needs, id: TemplateId, body: TemplateBody): Promise<PutTemplateOutcome> {
  const problems = await problemsOf(ports, body);
  if (problems.length > 0) return { kind: 'invalid', problems };
  const newest = await ports.catalog.template(id);
  if (newest && digestOf(ports, newest) === digestOf(ports, body)) return { kind: 'unchanged', template: newest };
  const template: Template = { ...body, id, version: (newest?.version ?? 0) + 1, createdAt: ports.clock.now() };
  const added = await ports.catalog.addTemplateVersion(template);
  if (added === 'conflict') return { kind: 'conflict' };
  return { kind: newest ? 'changed' : 'created', template };
}

async function problemsOf(ports: Needs, body: TemplateBody): Promise<readonly DefinitionProblem[]> {
  const engine = ports.engines(body.engine);
  const ofEngine = engine
    ? (await engine.check(body.definition)).map((problem) => ({ ...problem, pointer: `/definition${problem.pointer}` }))
    : [{ pointer: '/engine', rule: 'engine', message: `${body.engine} is no engine of this installation` }];
  const ofSchema = ports.parameterSchemas
    .check(body.parametersSchema)
    .map((problem) => ({ ...problem, pointer: `/parameters-schema${problem.pointer}` }));
  return [...ofEngine, ...ofSchema];
}

function digestOf({ digest }: Needs, body: TemplateBody): string {
  const { name, engine, definition, parametersSchema, overridable, limits, deleteAfterCompletion } = body;
  const parameters = { ...body.static };
  return digest({
    name,
    engine,
    definition,
    parametersSchema,
    overridable: [...overridable],
    limits: { ...limits, retries: { ...limits.retries } },
    deleteAfterCompletion,
    static: parameters,
  });
}
