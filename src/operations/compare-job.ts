/** What differs between a job's parameters and those of the last success of the same set: the first question about a failed job. */
import type { JobRef } from '#domain/ids';
import type { Job } from '#domain/job';
import { parameterDifferences, type ParameterDifference } from '#domain/parameters';
import type { Ports } from './ports.ts';
import { hasSucceeded, loadJobs } from './set-history.ts';

type Needs = Pick<Ports, 'runs' | 'jobs'>;

export type CompareJobOutcome =
  | { readonly kind: 'compared'; readonly with: Job; readonly differences: readonly ParameterDifference[] }
  /** None of the set's earlier jobs that were looked at has finished. */
  | { readonly kind: 'no-success' }
  | { readonly kind: 'not-found' };

/** How many earlier jobs of the set are looked at. */
const LOOKED_AT = 50;

export async function compareJob(ports: Needs, ref: JobRef): Promise<CompareJobOutcome> {
  const [run, parameters] = await Promise.all([ports.runs.load(ref.runId), ports.jobs.parameters(ref)]);
  if (!run || ref.index >= run.count) return { kind: 'not-found' };
  // A set that has no job item yet: nothing has happened to it that one could ask about.
  if (!parameters) return { kind: 'no-success' };
  const listed = await ports.jobs.jobsOfSet(run.templateId, parameters.setKey, { limit: LOOKED_AT });
  const ofSet = listed.kind === 'page' ? listed.page.items : [];
  const earlier = await loadJobs(
    ports,
    ofSet.filter(({ runId }) => runId < ref.runId),
  );
  const success = earlier.find(hasSucceeded);
  if (!success) return { kind: 'no-success' };
  const before = await ports.jobs.parameters(success);
  return { kind: 'compared', with: success, differences: parameterDifferences(before?.values ?? {}, parameters.values) };
}
