import { describe, expect, test } from 'vitest';
import { jobsPage, ROWS } from '#console/jobs-page';
import type { JobView } from '#contract/views';
import { aJob, RUN_ID } from './builders.ts';

/** A run of so many jobs, of which some failed; its cursors are positions. */
function listed(count: number, hasFailed: (index: number) => boolean) {
  const limits: number[] = [];
  return {
    limits,
    listJobs(_run: string, { limit = 50, cursor = '0' }: { readonly limit?: number; readonly cursor?: string } = {}) {
      limits.push(limit);
      const from = Number(cursor);
      const to = Math.min(count, from + limit);
      const items = Array.from({ length: to - from }, (_, offset): JobView => {
        const index = from + offset;
        return hasFailed(index) ? aJob(index, { state: 'FAILED' }) : aJob(index);
      });
      return Promise.resolve({ items, ...(to < count ? { 'next-cursor': String(to) } : {}) });
    },
  };
}

describe('of 10,000 jobs', () => {
  test('a page is one call for its own rows', async () => {
    const client = listed(10_000, () => false);
    const page = await jobsPage(client, RUN_ID, { cursor: '300' });
    expect(client.limits).toEqual([ROWS]);
    expect(page.jobs.map(({ index }) => index)).toEqual(Array.from({ length: ROWS }, (_, row) => 300 + row));
    expect(page).toMatchObject({ looked: { from: 300, to: 399 }, next: '400' });
  });

  test('a filter looks through 2,000 at most, says which, and goes on from there', async () => {
    const client = listed(10_000, (index) => index === 7 || index === 2500);
    const first = await jobsPage(client, RUN_ID, { jobState: 'FAILED' });
    expect(client.limits).toEqual([500, 500, 500, 500]);
    expect(first).toMatchObject({ looked: { from: 0, to: 1999 }, next: '2000' });
    expect(first.jobs.map(({ index }) => index)).toEqual([7]);
    const second = await jobsPage(client, RUN_ID, { jobState: 'FAILED', cursor: first.next ?? '' });
    expect(second.jobs.map(({ index }) => index)).toEqual([2500]);
  });

  test('every job of a state is on one of the pages, and none twice', async () => {
    const client = listed(10_000, (index) => index % 7 === 0);
    const seen: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await jobsPage(client, RUN_ID, { jobState: 'FAILED', ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.jobs.map(({ index }) => index));
      expect(page.jobs.length).toBeLessThan(ROWS + 500);
      cursor = page.next;
    } while (cursor !== undefined);
    expect(seen).toEqual(Array.from({ length: Math.ceil(10_000 / 7) }, (_, nth) => nth * 7));
  });
});

test('a run without jobs has looked at nothing', async () => {
  expect(
    await jobsPage(
      listed(0, () => false),
      RUN_ID,
      { jobState: 'FAILED' },
    ),
  ).toEqual({ jobs: [] });
});
