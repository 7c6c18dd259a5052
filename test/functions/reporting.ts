/** What a reporter says to the API: registering, sending events by the job's token, calling back, looking. */
import type { Api } from './api.ts';
import type { Answer, Call } from './http-call.ts';

export interface Registered {
  readonly id: string;
  readonly token: string;
  readonly tokenId: string;
}

export interface Reporting {
  register(body: object): Promise<Answer>;
  /** A job that there was not before. */
  registered(body?: object): Promise<Registered>;
  /** By the job's token. */
  send(job: Registered, body: unknown, call?: Call): Promise<Answer>;
  /** By the boss's API token. */
  command(job: Registered, name: string): Promise<Answer>;
  callBack(job: Registered, query: Readonly<Record<string, string>>, call?: Call): Promise<Answer>;
  view(job: Registered, query?: Readonly<Record<string, string>>): Promise<Answer>;
  history(job: Registered, query?: Readonly<Record<string, string>>): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

const HOST = { host: 'sluice.example' } as const;
const NOBODY = { authorization: '' } as const;

export function reporting(api: Api): Reporting {
  let made = 0;
  const register: Reporting['register'] = (body) => api.ask('POST /v1/jobs', { body, headers: HOST });
  const at = (job: Registered): Readonly<Record<string, string>> => ({ jobId: job.id });
  return {
    register,
    async registered(body = { pipeline: 'nightly', data: { number: (made += 1) } }) {
      const { status, body: job } = await register(body);
      if (status !== 201) throw new Error(`not registered: ${JSON.stringify(job)}`);
      return { id: String(job['job-id']), token: String(job['token']), tokenId: String(job['token-id']) };
    },
    send: (job, body, { headers, ...call } = {}) =>
      api.ask('POST /v1/jobs/{jobId}/events', {
        path: at(job),
        body,
        headers: { authorization: `Bearer ${job.token}`, ...headers },
        ...call,
      }),
    command: (job, name) => api.ask('POST /v1/jobs/{jobId}/events', { path: at(job), body: { name } }),
    callBack: (job, query, { headers, ...call } = {}) =>
      api.ask('POST /v1/jobs/{jobId}/callback', {
        path: at(job),
        query: { token: job.token, ...query },
        headers: { ...NOBODY, ...headers },
        ...call,
      }),
    view: (job, query) => api.ask('GET /v1/jobs/{jobId}', { path: at(job), ...(query ? { query } : {}) }),
    async history(job, query = {}) {
      const { body } = await api.ask('GET /v1/jobs/{jobId}/history', { path: at(job), query: { limit: '500', ...query } });
      return body['items'] as readonly Readonly<Record<string, unknown>>[];
    },
  };
}
