/** A simulator with a clock that a test drives, and short ways to ask it. */
import { simulatorFetch, type FetchOptions } from '#hosts/control-hub-simulator/fetch';
import {
  controlHubSimulator,
  sequentialIds,
  type ControlHubSimulator,
  type SimulatorOptions,
} from '#hosts/control-hub-simulator/simulator';

export const START_MS = Date.parse('2026-01-01T00:00:00Z');

export type Fields = Readonly<Record<string, unknown>>;

export interface Asking {
  readonly simulator: ControlHubSimulator;
  readonly fetch: typeof fetch;
  readonly templateId: string;
  nowMs(): number;
  pass(ms: number): void;
  /** With all headers; the response as it came. */
  ask(method: string, path: string, body?: unknown): Promise<Response>;
  /** The JSON of an answer that must be 200; undefined for an empty one. */
  json(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Likewise, of an object, and of a list of objects. */
  fields(method: string, path: string, body?: unknown): Promise<Fields>;
  rows(method: string, path: string, body?: unknown): Promise<readonly Fields[]>;
  /** The id of an instance that was started with these parameters. */
  started(parameters?: Readonly<Record<string, unknown>>, info?: Readonly<Record<string, unknown>>): Promise<string>;
  /** `STATUS COLOR` */
  status(jobId: string): Promise<string>;
}

export const headersOf = ({ credential }: ControlHubSimulator): Record<string, string> => ({
  'x-ss-app-component-id': credential.id,
  'x-ss-app-auth-token': credential.token,
  'x-requested-by': 'test',
  'x-ss-rest-call': 'true',
  'content-type': 'application/json',
});

export const JOBS = '/jobrunner/rest/v1/jobs';
export const JOB = '/jobrunner/rest/v1/job';

export function asking(options: Partial<SimulatorOptions> = {}, fetchOptions: FetchOptions = {}): Asking {
  let now = START_MS;
  const simulator = controlHubSimulator({ nowMs: () => now, newId: sequentialIds(), ...options });
  const fetch = simulatorFetch(simulator, fetchOptions);
  const template = simulator.createTemplate({ name: 'http-to-gcs', statsRefreshInterval: 1_000 });
  const ask: Asking['ask'] = (method, path, body) =>
    fetch(`http://control-hub${path}`, {
      method,
      headers: headersOf(simulator),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const json: Asking['json'] = async (method, path, body) => {
    const response = await ask(method, path, body);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  };
  const fields: Asking['fields'] = async (...call) => (await json(...call)) as Fields;
  return {
    simulator,
    fetch,
    templateId: template.id,
    nowMs: () => now,
    pass(ms) {
      now += ms;
    },
    ask,
    json,
    fields,
    rows: async (...call) => (await json(...call)) as readonly Fields[],
    async started(parameters = {}, info = {}) {
      const body = { runtimeParametersList: [parameters], ...info };
      const [status] = (await json('POST', `${JOB}/${template.id}/createAndStartJobInstances`, body)) as readonly Fields[];
      return String(status?.['jobId']);
    },
    async status(jobId) {
      const { status, color } = await fields('GET', `${JOB}/${jobId}/currentStatus`);
      return `${String(status)} ${String(color)}`;
    },
  };
}
