/**
 * A page of a run's jobs. The API lists them in the order of the sets and knows no filter: with one, a bounded number of
 * them is looked through, and the page says which. It may be empty and not the last.
 */
import type { SluiceClient } from '#client/sluice-client';
import type { JobView } from '#contract/views';
import type { JobState } from './place.ts';

export interface JobsPage {
  readonly jobs: readonly JobView[];
  /** Index of the first and the last set that was looked at; absent where there was none. */
  readonly looked?: { readonly from: number; readonly to: number };
  readonly next?: string;
}

export const ROWS = 100;
const LOOKED_AT_ONCE = 500;
const LOOKS_MOST = 4;

type Wanted = { readonly jobState?: JobState; readonly cursor?: string };

export async function jobsPage(client: Pick<SluiceClient, 'listJobs'>, runId: string, { jobState, cursor }: Wanted): Promise<JobsPage> {
  const found: JobView[] = [];
  let looked: JobsPage['looked'];
  let next = cursor;
  for (let looks = 0; looks < (jobState === undefined ? 1 : LOOKS_MOST); looks += 1) {
    const limit = jobState === undefined ? ROWS : LOOKED_AT_ONCE;
    const page = await client.listJobs(runId, { limit, ...(next === undefined ? {} : { cursor: next }) });
    const [first, last] = [page.items[0], page.items.at(-1)];
    if (first && last) looked = { from: looked?.from ?? first.index, to: last.index };
    found.push(...page.items.filter(({ state }) => jobState === undefined || state === jobState));
    next = page['next-cursor'];
    if (next === undefined || found.length >= ROWS) break;
  }
  return { jobs: found, ...(looked ? { looked } : {}), ...(next === undefined ? {} : { next }) };
}
