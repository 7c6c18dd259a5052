/** Pipelines: enough of them to show which pipeline in which commit a job ran. */
import type { Hub, Pipeline, PipelineCommit } from './hub.ts';
import { newHubId } from './hub.ts';
import type { JobDefinition } from './job-definition.ts';
import { refused } from './refusal.ts';

/**
 * The pipeline and the commit that a job names. A pipeline that nobody has made is made: the simulator runs no pipelines, and a
 * template needs one only to name it.
 * @throws Refusal for a commit that its pipeline does not have
 */
export function commitOf(
  hub: Hub,
  definition: JobDefinition,
  nowMs: number,
): { readonly pipeline: Pipeline; readonly commit: PipelineCommit } {
  const pipelineId = definition.pipelineId ?? newHubId(hub);
  const pipeline = hub.pipelines.get(pipelineId) ?? madePipeline(hub, pipelineId, definition, nowMs);
  const named = definition.pipelineCommitId;
  const commit = named === null ? pipeline.commits.at(-1) : pipeline.commits.find(({ commitId }) => commitId === named);
  if (!commit) throw refused(400, 'SIMULATOR_08', `pipeline ${pipelineId} has no commit ${String(named)}`);
  return { pipeline, commit };
}

function madePipeline(hub: Hub, pipelineId: string, definition: JobDefinition, nowMs: number): Pipeline {
  const commit: PipelineCommit = {
    commitId: definition.pipelineCommitId ?? newHubId(hub),
    version: definition.pipelineCommitLabel?.replace(/^v/, '') ?? '1',
    message: 'Made for a job',
    atMs: nowMs,
    committer: hub.userId,
    draft: false,
  };
  const pipeline: Pipeline = {
    pipelineId,
    name: definition.pipelineName ?? `Pipeline of ${definition.name}`,
    executorType: definition.executorType,
    commits: [commit],
  };
  hub.pipelines.set(pipelineId, pipeline);
  return pipeline;
}
