/** Registers a template: what was registered before stays, as an earlier version. The same body again changes nothing. */
import type { DefinitionProblem } from '#domain/engine-job';
import { Fault } from '#domain/faults';
import type { TemplateId } from '#domain/ids';
import type { Json } from '#domain/json';
import type { JsonObject } from '#domain/json';
import type { Template, TemplateBody } from '#domain/template';
import type { Ports } from './ports.ts';
import { holds, type Precondition } from './precondition.ts';

type Needs = Pick<Ports, 'clock' | 'catalog' | 'engines' | 'parameterSchemas' | 'digest'>;

export type PutTemplateOutcome =
  | { readonly kind: 'created' | 'changed' | 'unchanged'; readonly template: Template }
  | { readonly kind: 'invalid'; readonly problems: readonly DefinitionProblem[] }
  | { readonly kind: 'precondition-failed'; readonly version: number | undefined }
  | { readonly kind: 'conflict' };

const ATTEMPTS = 3;

export async function putTemplate(
  ports: Needs,
  id: TemplateId,
  body: TemplateBody,
  precondition: Precondition = {},
): Promise<PutTemplateOutcome> {
  const problems = await problemsOf(ports, body);
  if (problems.length > 0) return { kind: 'invalid', problems };
  let before: Template | undefined;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const newest = await ports.catalog.template(id);
    if (!holds(precondition, newest?.version)) return { kind: 'precondition-failed', version: newest?.version };
    if (newest && digestOf(ports, newest) === digestOf(ports, body)) return { kind: 'unchanged', template: newest };
    // Who names no version has not seen the one that came meanwhile, and shall not bury it.
    if (attempt > 1 && newest?.version !== before?.version) return { kind: 'conflict' };
    const last = newest?.version ?? (await ports.catalog.lastTemplateVersion(id));
    const template: Template = { ...body, id, version: last + 1, createdAt: ports.clock.now() };
    const added = await ports.catalog.addTemplateVersion(template, { afterDeletion: !newest && last > 0 });
    if (added === 'added') return { kind: newest ? 'changed' : 'created', template };
    before = newest;
  }
  throw new Fault('StoreBusy', `${id} was in use by others ${ATTEMPTS} times in a row`);
}

async function problemsOf(ports: Needs, body: TemplateBody): Promise<readonly DefinitionProblem[]> {
  const engine = ports.engines(body.engine);
  const ofEngine = engine
    ? (await engine.check(body.definition)).map((problem) => ({ ...problem, pointer: `/definition${problem.pointer}` }))
    : [{ pointer: '/engine', rule: 'engine', message: `${body.engine} is no engine of this installation` }];
  const ofSchema = ports.parameterSchemas
    .check(body.parametersSchema)
    .map((problem) => ({ ...problem, pointer: `/parameters-schema${problem.pointer}` }));
  return [...ofEngine, ...ofSchema, ...sizeProblems(body)];
}

/** An item of the table holds 400 KB, and a job's parameters are the static ones and the caller's 64 KB. */
const BODY_LENGTH = 200_000;
const STATIC_KEYS = 1000;

function sizeProblems(body: TemplateBody): readonly DefinitionProblem[] {
  const length = JSON.stringify(body).length;
  const { sourceParameters, targetParameters, sourceConnection, targetConnection } = body.static;
  const layers: readonly JsonObject[] = [sourceParameters, targetParameters, sourceConnection, targetConnection];
  const keys = layers.reduce((sum, layer) => sum + Object.keys(layer).length, 0);
  return [
    ...(length > BODY_LENGTH ? [{ pointer: '', rule: 'size', message: `has ${length} characters; at most ${BODY_LENGTH} are kept` }] : []),
    ...(keys > STATIC_KEYS
      ? [{ pointer: '', rule: 'size', message: `has ${keys} static parameters; at most ${STATIC_KEYS} are kept` }]
      : []),
  ];
}

/** Named one by one, and checked to be all: a newest version comes with its id, version and time, which no author wrote. */
function digestOf({ digest }: Needs, body: TemplateBody): string {
  const authored = {
    name: body.name,
    engine: body.engine,
    definition: body.definition,
    static: { ...body.static },
    parametersSchema: body.parametersSchema,
    overridable: body.overridable,
    searchable: body.searchable,
    identity: body.identity,
    limits: JSON.parse(JSON.stringify(body.limits)) as Json,
    deleteAfterCompletion: body.deleteAfterCompletion,
    streaming: body.streaming ? { ...body.streaming } : null,
  } satisfies Record<keyof TemplateBody, Json>;
  return digest(authored);
}
