import { expect, test } from 'vitest';
import { jobsPage, ROWS } from '#console/jobs-page';
import type { JobsOfRun } from '#contract/views';
import { aJob, RUN_ID } from './builders.ts';

/** Answers as told, and keeps what it was asked. */
function answering(page: JobsOfRun) {
  const asked: unknown[] = [];
  return {
    asked,
    listJobs(...given: readonly unknown[]) {
      asked.push(given);
      return Promise.resolve(page);
    },
  };
}

test('a page is one call for its own rows, and says which sets they are', async () => {
  const items = Array.from({ length: ROWS }, (_, row) => aJob(300 + row));
  const client = answering({ items, 'next-cursor': 'next' });
  expect(await jobsPage(client, RUN_ID, { cursor: 'here' })).toEqual({ jobs: items, looked: { from: 300, to: 399 }, next: 'next' });
  expect(client.asked).toEqual([[RUN_ID, { limit: ROWS, state: undefined, cursor: 'here' }]]);
});

test('a filter is left to the API, and the page says among which sets was looked, also where it is empty and not the last', async () => {
  const client = answering({ items: [], 'looked-at': { from: 0, to: 1999 }, 'next-cursor': 'next' });
  expect(await jobsPage(client, RUN_ID, { jobState: 'FAILED' })).toEqual({ jobs: [], looked: { from: 0, to: 1999 }, next: 'next' });
  expect(client.asked).toEqual([[RUN_ID, { limit: ROWS, state: 'FAILED' }]]);
});

test('a run without jobs has looked at nothing', async () => {
  expect(await jobsPage(answering({ items: [] }), RUN_ID, { jobState: 'FAILED' })).toEqual({ jobs: [] });
});
