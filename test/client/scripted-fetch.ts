/** A service that says what the test wrote down, in order, and remembers what it was asked. */
import type { Pace } from '#client/pace';

export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export type Answer =
  | { readonly status: number; readonly body: unknown; readonly headers?: Readonly<Record<string, string>> }
  | { readonly text: string; readonly status: number }
  /** No answer: what `fetch` throws. */
  | Error;

export interface ScriptedFetch {
  readonly fetch: typeof fetch;
  readonly asked: readonly Asked[];
}

/** The last answer is given again and again. */
export function scriptedFetch(...answers: readonly Answer[]): ScriptedFetch {
  const asked: Asked[] = [];
  return {
    asked,
    fetch: (input, init) => {
      asked.push({
        method: init?.method ?? 'GET',
        url: input instanceof Request ? input.url : String(input),
        headers: Object.fromEntries(new Headers(init?.headers).entries()),
        body: typeof init?.body === 'string' ? (JSON.parse(init.body) as unknown) : undefined,
      });
      const answer = answers[Math.min(asked.length, answers.length) - 1];
      if (answer === undefined) return Promise.reject(new Error('nothing is scripted'));
      if (answer instanceof Error) return Promise.reject(answer);
      if ('text' in answer) return Promise.resolve(new Response(answer.text, { status: answer.status }));
      const { status, body, headers = {} } = answer;
      return Promise.resolve(new Response(JSON.stringify(body), { status, headers: { ...headers } }));
    },
  };
}

export const refused = (): TypeError => new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:8888') });

/** Time passes by being waited for, and at once. */
export function drivenPace(): Pace & { readonly waitedMs: readonly number[] } {
  const waitedMs: number[] = [];
  return {
    waitedMs,
    nowMs: () => waitedMs.reduce((sum, ms) => sum + ms, 0),
    wait: (ms) => {
      waitedMs.push(ms);
      return Promise.resolve();
    },
  };
}

export function runBody(state: string, open = 0): Record<string, unknown> {
  return {
    'run-id': 'run_01K8ZC0ED8QZV7N5T9X1M3B2AR',
    state,
    'user-id': 'ada',
    'user-run-id': 'nightly',
    'source-type': 'csv',
    'target-type': 'parquet',
    'template-id': 'tmpl_csv-to-parquet',
    'template-version': 1,
    'requested-by': 'local',
    attempt: 1,
    jobs: { total: 2, finished: 2 - open, failed: 0, cancelled: 0, open },
    records: { input: 10, output: 10, error: 0 },
    'created-at': '2026-07-14T08:00:00.000Z',
    'updated-at': '2026-07-14T08:00:01.000Z',
    ...(open === 0 ? { 'finished-at': '2026-07-14T08:00:01.000Z' } : {}),
    links: {},
  };
}

export const jobBody = (change: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  'job-id': 'job_01K8ZC0ED8QZV7N5T9X1M3B2AR_00000',
  'run-id': 'run_01K8ZC0ED8QZV7N5T9X1M3B2AR',
  index: 0,
  state: 'RUNNING',
  attempt: 1,
  'created-at': '2026-07-14T08:00:00.000Z',
  'updated-at': '2026-07-14T08:00:01.000Z',
  links: {},
  ...change,
});
