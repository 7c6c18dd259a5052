/** The resources of the API over one world, called as API Gateway calls them, by tokens of several scopes. */
import { parseRunId } from '#domain/ids';
import type { Run } from '#domain/run';
import { digestOfSecret } from '#hosts/lambda/authentication';
import type { HttpHandler } from '#hosts/lambda/http';
import { readServiceMap } from '#hosts/local/service-map';
import { planRun } from '#operations/plan-run';
import { pollRun } from '#operations/poll-run';
import type { Scope } from '#operations/ports';
import { startJob } from '#operations/start-job';
import type { World } from '#test/operations/world';
import { call, handlerOf, type Answer, type Call } from './http-call.ts';

const SECRET = 's'.repeat(43);
const TOKENS = { reader: ['runs:read'], writer: ['runs:read', 'runs:write'], boss: ['admin'] } as const satisfies Record<
  string,
  readonly Scope[]
>;
export type TokenName = keyof typeof TOKENS;
export const bearer = (id: TokenName): Readonly<Record<string, string>> => ({ authorization: `Bearer slc_${id}.${SECRET}` });

export interface Api {
  /** As the boss, unless the headers say otherwise. */
  ask(routeKey: string, asked?: Call): Promise<Answer>;
  /** A run of these sets, started under a name that no other one has. */
  started(sets: readonly object[], change?: object): Promise<Run>;
  /** The same with its jobs made, as its execution makes them. */
  planned(sets: readonly object[]): Promise<Run>;
  /** The same with its jobs under way. */
  running(sets: readonly object[]): Promise<Run>;
  /** The same at its end. */
  ended(sets: readonly object[]): Promise<Run>;
  /** Does what the execution of the run's latest attempt does: makes its jobs, and starts them. */
  drive(run: Run): Promise<Run>;
}

export async function apiOf(it: World): Promise<Api> {
  const handlers = new Map<string, HttpHandler>();
  const { routes, handlers: modules } = readServiceMap('serverless.yml');
  for (const [name, module] of modules) {
    const [, resource] = /^functions\/http\/([^/]+)\//.exec(module) ?? [];
    if (resource !== undefined) handlers.set(name, await handlerOf(resource));
  }
  for (const [id, scopes] of Object.entries(TOKENS))
    await it.ports.apiTokens.put({ id, name: `token of ${id}`, secretDigest: digestOfSecret(SECRET), scopes });
  let names = 0;
  const ask: Api['ask'] = (routeKey, { headers = {}, ...rest } = {}) => {
    const handler = handlers.get(routes.find((route) => route.routeKey === routeKey)?.functionName ?? '');
    if (!handler) throw new Error(`no handler for ${routeKey}`);
    return call(handler, routeKey, { ...rest, headers: { ...bearer('boss'), ...headers } });
  };
  const started: Api['started'] = async (sets, change = {}) => {
    const body = { ...requestBody(sets), 'user-run-id': `run ${(names += 1)}`, ...change };
    const answer = await ask('POST /v1/runs', { body });
    const id = parseRunId(String(answer.body['run-id']));
    const run = id && (await it.ports.runs.load(id));
    if (!run) throw new Error(`not started: ${JSON.stringify(answer.body)}`);
    return run;
  };
  const drive: Api['drive'] = async (run) => {
    const { attempt } = await it.loadRun(run);
    const planned = await planRun(it.ports, { kind: 'accepted', execution: `arn:run:${run.id}-a${attempt}`, runId: run.id });
    if (planned.kind === 'nothing-to-do') throw new Error('there is nothing to do');
    const retry = attempt === 1 ? undefined : await it.ports.runs.retry(planned.run);
    const indexes = retry?.indexes ?? Array.from({ length: run.count }, (_, index) => index);
    for (const index of indexes) await startJob(it.ports, { runId: run.id, index, taskToken: `${run.id}/${index}/${attempt}` });
    return it.loadRun(run);
  };
  const running: Api['running'] = async (sets) => {
    const run = await drive(await started(sets));
    await pollRun(it.ports, { runId: run.id });
    return it.loadRun(run);
  };
  return {
    ask,
    started,
    drive,
    running,
    async planned(sets) {
      const run = await started(sets);
      await planRun(it.ports, { kind: 'accepted', execution: `arn:run:${run.id}-a1`, runId: run.id });
      return it.loadRun(run);
    },
    async ended(sets) {
      const run = await drive(await started(sets));
      await it.watch(run);
      return it.loadRun(run);
    },
  };
}

export const requestBody = (sets: readonly object[]): Readonly<Record<string, unknown>> => ({
  'user-id': 'ada',
  'source-type': 'http',
  'target-type': 'gcs',
  'runtime-parameters': sets,
});

export const pointers = ({ body }: Answer): readonly string[] => (body.errors ?? []).map(({ pointer }) => pointer);
export const slug = ({ body }: Answer): string => String(body['type']).replace('/problems/', '');
