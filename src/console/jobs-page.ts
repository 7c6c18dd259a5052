/**
 * A page of a run's jobs, in the order of the sets. Those in a state are looked for by the API, among a bounded number of sets,
 * and the page says which: it may be empty and not the last.
 */
import type { SluiceClient } from '#client/sluice-client';
import type { JobView, Unreadable } from '#contract/views';
import type { JobState } from './place.ts';

export interface JobsPage {
  readonly jobs: readonly JobView[];
  /** Index of the first and the last set that was looked at; absent where there was none. */
  readonly looked?: { readonly from: number; readonly to: number };
  readonly unreadable?: readonly Unreadable[];
  readonly next?: string;
}

export const ROWS = 100;

type Wanted = { readonly jobState?: JobState; readonly cursor?: string };

export async function jobsPage(client: Pick<SluiceClient, 'listJobs'>, runId: string, { jobState, cursor }: Wanted): Promise<JobsPage> {
  const page = await client.listJobs(runId, { limit: ROWS, state: jobState, ...(cursor === undefined ? {} : { cursor }) });
  const [first, last] = [page.items[0], page.items.at(-1)];
  const looked = page['looked-at'] ?? (first && last && { from: first.index, to: last.index });
  const next = page['next-cursor'];
  const left = page.unreadable ? { unreadable: page.unreadable } : {};
  return { jobs: page.items, ...left, ...(looked ? { looked } : {}), ...(next === undefined ? {} : { next }) };
}
