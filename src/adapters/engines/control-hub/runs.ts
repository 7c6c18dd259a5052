/**
 * Which of an instance's runs is ours. An instance is made for one start, so as a rule it has one run. It has more where Control Hub
 * or a person started it again: an edit of a template restarts its running instances (contract §2.4), which goes on with the same
 * work; a start of one that had finished or failed is somebody else's. So the first run that ended by itself decides, and where all
 * were stopped the last.
 */
import { entriesOf, HubStatus } from './wire.ts';
import { hasEnded, isBegun, wasStopped } from './job-state.ts';
import type { Hub } from './hub.ts';

/** More restarts than anybody makes. */
const MOST_RUNS = 250;

export const hasSeveralRuns = ({ runCount }: HubStatus): boolean => typeof runCount === 'number' && runCount > 1;

/** Undefined where Control Hub does not answer. The older of its two lists is marked deprecated: it is asked where the other is not there. */
export async function decidingRun({ client }: Hub, jobId: string): Promise<HubStatus | undefined> {
  const paths = [`/jobrunner/rest/v1/saql/jobs/search/${jobId}/runs`, `/jobrunner/rest/v1/job/${jobId}/history`];
  for (const path of paths) {
    const answer = await client.call({ method: 'GET', path, query: { offset: '0', len: String(MOST_RUNS) }, repeatable: true });
    if (answer.kind === 'answer') return decidingOf(entriesOf(HubStatus, answer.body));
    if (answer.kind === 'no-answer') return undefined;
  }
  return undefined;
}

export function decidingOf(runs: readonly HubStatus[]): HubStatus | undefined {
  const inOrder = runs.filter(isBegun).toSorted((a, b) => (a.runCount ?? 0) - (b.runCount ?? 0));
  return inOrder.find((run) => hasEnded(run) && !wasStopped(run)) ?? inOrder.at(-1);
}
