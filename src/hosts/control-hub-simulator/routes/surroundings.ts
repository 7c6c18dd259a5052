/** What stands around jobs: pipelines, engines, the user. */
import type { Engine, Pipeline, PipelineCommit } from '#hosts/control-hub-simulator/hub';
import { latestRun } from '#hosts/control-hub-simulator/job-times';
import { refused } from '#hosts/control-hub-simulator/refusal';
import { searched } from '#hosts/control-hub-simulator/routes/searching';
import { idsOf, page, param, type HubCall, type Route } from '#hosts/control-hub-simulator/routing';
import type { FieldReader } from '#hosts/control-hub-simulator/saql';

/** PipelineJson [C:SW-pipe], without what a pipeline does: the simulator runs none. */
function pipelineJson({ hub }: HubCall, { pipelineId, name, executorType }: Pipeline, commit: PipelineCommit): object {
  return {
    commitId: commit.commitId,
    pipelineId,
    name,
    version: commit.version,
    parentVersion: null,
    draft: commit.draft,
    commitMessage: commit.message,
    commitTime: commit.atMs,
    committer: commit.committer,
    organization: hub.organizationId,
    executorType,
    executionMode: 'STANDALONE',
    pipelineDefinition: null,
    libraryDefinitions: null,
    pipelineLabels: [],
    fragment: false,
  };
}

function pipelineNamed(call: HubCall): Pipeline {
  const id = param(call, 'id');
  const pipeline = call.hub.pipelines.get(id);
  if (!pipeline) throw refused(404, 'SIMULATOR_01', `there is no pipeline ${id}`);
  return pipeline;
}

/** [C:SDK]: a pipeline that has no such commit has a commitId of null. */
function latest(call: HubCall): unknown {
  const pipeline = pipelineNamed(call);
  const onlyPublished = call.query.get('onlyPublished') === 'true';
  const commit = pipeline.commits.findLast(({ draft }) => !(onlyPublished && draft));
  if (commit) return pipelineJson(call, pipeline, commit);
  const [first] = pipeline.commits;
  return first && { ...pipelineJson(call, pipeline, first), commitId: null };
}

function commits(call: HubCall): unknown {
  const pipeline = pipelineNamed(call);
  return page(call, pipeline.commits.toReversed(), (each) => pipelineJson(call, pipeline, each));
}

function commit(call: HubCall, id: string): object {
  for (const pipeline of call.hub.pipelines.values()) {
    const found = pipeline.commits.find(({ commitId }) => commitId === id);
    if (found) return pipelineJson(call, pipeline, found);
  }
  throw refused(404, 'SIMULATOR_01', `there is no pipeline commit ${id}`);
}

function pipelineFields({ pipelineId, name, executorType, commits }: Pipeline): FieldReader {
  const last = commits.at(-1);
  const fields: Readonly<Record<string, ReturnType<FieldReader>>> = {
    commit_message: last?.message ?? null,
    committed_by: last?.committer ?? null,
    committed_on: last?.atMs ?? null,
    draft: last?.draft ?? false,
    engine_type: executorType,
    id: pipelineId,
    latest_version: true,
    name,
    version: last?.version ?? null,
  };
  return (field) => (Object.hasOwn(fields, field) ? fields[field] : undefined);
}

function searchPipelines(call: HubCall): unknown {
  const rows = [...call.hub.pipelines.values()].map((pipeline) => ({ row: pipeline, read: pipelineFields(pipeline) }));
  return searched(call, rows, (pipeline) => pipelineJson(call, pipeline, pipeline.commits.at(-1) as PipelineCommit));
}

/** SDCJson. [C:SW-job] */
function engineJson({ hub, nowMs }: HubCall, engine: Engine): object {
  const running = [...hub.jobs.values()].filter((job) => {
    const current = latestRun(job, nowMs);
    return current?.run.engineId === engine.id && current.view.phase.status === 'ACTIVE';
  });
  return {
    id: engine.id,
    httpUrl: `https://engine.invalid/${engine.id}`,
    version: engine.version,
    labels: engine.labels,
    reportedLabels: engine.labels,
    lastReportedTime: engine.responding ? nowMs : hub.switches.unsetTime,
    responding: engine.responding,
    cpuLoad: 10,
    memoryUsedPercentage: 10,
    pipelinesCount: running.length,
    executorType: engine.executorType,
    idSeparator: '__',
  };
}

const engines = (call: HubCall): readonly Engine[] => {
  const label = call.query.get('label');
  return [...call.hub.engines.values()].filter(({ labels }) => label === null || label === '' || labels.includes(label));
};

function engineNamed(call: HubCall): object {
  const id = param(call, 'id');
  const engine = call.hub.engines.get(id);
  if (!engine) throw refused(404, 'SIMULATOR_01', `there is no engine ${id}`);
  return engineJson(call, engine);
}

/** [C:SW-sec] has the path; of the fields, only those that the simulator knows. */
const currentUser = ({ hub }: HubCall): unknown => ({
  id: hub.userId,
  organization: hub.organizationId,
  name: 'Simulated user',
  roles: ['jobrunner:operator'],
  active: true,
});

export const SURROUNDING_ROUTES: readonly Route[] = [
  {
    name: 'searchPipelines',
    method: 'GET',
    path: '/pipelinestore/rest/v1/saql/pipelines/search',
    source: '[C:SW-pipe, SDK]',
    handle: searchPipelines,
  },
  {
    name: 'latestPipelineCommit',
    method: 'GET',
    path: '/pipelinestore/rest/v1/pipeline/{id}/latest',
    source: '[C:SW-pipe, SDK]',
    handle: latest,
  },
  {
    name: 'pipelineLog',
    method: 'GET',
    path: '/pipelinestore/rest/v1/pipeline/{id}/log',
    source: '[C:SW-pipe, SDK]',
    handle: commits,
  },
  {
    name: 'pipelineCommit',
    method: 'GET',
    path: '/pipelinestore/rest/v1/pipelineCommit/{id}',
    source: '[C:SW-pipe, SDK]',
    handle: (call) => commit(call, param(call, 'id')),
  },
  {
    name: 'pipelineCommits',
    method: 'POST',
    path: '/pipelinestore/rest/v1/pipelineCommit',
    source: '[C:SW-pipe, SDK]',
    handle: (call) => idsOf(call).map((id) => commit(call, id)),
  },
  {
    name: 'listEngines',
    method: 'GET',
    path: '/jobrunner/rest/v1/sdcs',
    source: '[C:SW-job]',
    handle: (call) => page(call, engines(call), (engine) => engineJson(call, engine)),
  },
  { name: 'getEngine', method: 'GET', path: '/jobrunner/rest/v1/sdc/{id}', source: '[C:SW-job]', handle: engineNamed },
  {
    name: 'getEngines',
    method: 'POST',
    path: '/jobrunner/rest/v1/sdcs',
    source: '[C:SW-job]',
    handle: (call) =>
      idsOf(call).flatMap((id) => {
        const engine = call.hub.engines.get(id);
        return engine ? [engineJson(call, engine)] : [];
      }),
  },
  {
    name: 'organizationInfo',
    method: 'GET',
    path: '/api/security/public/v3/orgs/{id}/info',
    source: '[C:SDK]',
    isPublic: true,
    handle: ({ hub }) => ({ data: { landingUrl: `${hub.baseUrl}/security/public-rest/v1/aster/landing` } }),
  },
  { name: 'currentUser', method: 'GET', path: '/security/rest/v1/currentUser', source: '[C:SW-sec]', handle: currentUser },
];
