/** The Job Template Service's own example, on a simulated Control Hub behind a real port, told of by the settings alone. */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NO_CONTROL_HUB } from '#contract/control-hub-settings';
import { createExampleTemplate } from '#hosts/control-hub-simulator/example-template';
import { startSimulatorServer, type SimulatorServer } from '#hosts/control-hub-simulator/http-server';
import { controlHubSimulator, type ControlHubSimulator } from '#hosts/control-hub-simulator/simulator';
import { CREDENTIAL } from '#test/adapters/engines/control-hub/hub-fixture';
import { startService, type Service } from '#test/support/service';

interface Started {
  readonly 'run-id': string;
}
interface RunBody {
  readonly state: string;
}
interface JobBody {
  readonly state: string;
  readonly metrics?: Readonly<Record<string, unknown>>;
}

const STATIC = { HTTP_MODE: 'POLLING', HTTP_METHOD: 'GET' };
const SETS = [
  { HTTP_URL: 'http://api.openweathermap.org/data/2.5/weather', CITY: 'London', GCS_BUCKET: '146_gcs_bucket', GCS_FOLDER: 'UK' },
  { HTTP_URL: 'http://api.openweathermap.org/data/2.5/weather', CITY: 'Paris', GCS_BUCKET: '146_gcs_bucket', GCS_FOLDER: 'France' },
];

const templateOf = (id: string): object => ({
  name: 'HTTP to GCS',
  engine: 'control-hub',
  definition: { 'job-template-id': id },
  'source-parameters': STATIC,
});

describe('with Control Hub', () => {
  let simulator: ControlHubSimulator;
  let server: SimulatorServer;
  let service: Service;
  let templateId: string;

  beforeAll(async () => {
    const plan = { takesMs: 2000, activatingMs: 100, deactivatingMs: 0, metricsSettleMs: 0, inputRecords: 12_482, outputRecords: 12_482 };
    simulator = controlHubSimulator({ nowMs: () => Date.now(), newId: () => randomUUID(), credential: CREDENTIAL, plan });
    templateId = createExampleTemplate(simulator).id;
    server = await startSimulatorServer({ simulator, host: '127.0.0.1', port: 0 });
    const first = await startService();
    const tokenFile = join(first.dataDir, 'hub-token');
    writeFileSync(tokenFile, `${CREDENTIAL.token}\n`, { mode: 0o600 });
    service = await first.restart({
      controlHub: {
        ...NO_CONTROL_HUB,
        SLUICE_CONTROL_HUB_URL: server.url,
        SLUICE_CONTROL_HUB_CREDENTIAL_ID: CREDENTIAL.id,
        SLUICE_CONTROL_HUB_AUTH_TOKEN: `file:${tokenFile}`,
      },
    });
    const put = await service.request('PUT', '/v1/templates/tmpl_http-to-gcs', templateOf(templateId));
    if (put.status !== 201) throw new Error(JSON.stringify(put.body));
    await service.request('PUT', '/v1/patterns/http/gcs', { 'template-id': 'tmpl_http-to-gcs' });
  });
  afterAll(async () => {
    await service.close();
    await server.close();
  });

  const started = async (userRunId: string, sets: readonly object[]): Promise<string> => {
    const body = { 'user-id': 'ada', 'user-run-id': userRunId, 'source-type': 'http', 'target-type': 'gcs', 'runtime-parameters': sets };
    const answer = await service.request<Started>('POST', '/streamsets/job-template-runner', body);
    expect(answer.status).toBe(200);
    return answer.body['run-id'];
  };
  const ended = async (runId: string): Promise<string> => {
    for (;;) {
      const { body } = await service.request<RunBody>('GET', `/v1/runs/${runId}/wait?timeout-seconds=20`);
      if (!['ACCEPTED', 'RUNNING', 'CANCELLING'].includes(body.state)) return body.state;
    }
  };
  const jobsOf = async (runId: string): Promise<readonly JobBody[]> =>
    (await service.request<{ readonly items: readonly JobBody[] }>('GET', `/v1/runs/${runId}/jobs`)).body.items;
  const activeInstances = async (): Promise<readonly unknown[]> => {
    const answer = await fetch(`${server.url}/jobrunner/rest/v1/jobs?jobStatus=ACTIVE&jobTemplate=false`, {
      headers: { 'X-Requested-By': 'test', 'X-SS-App-Component-Id': CREDENTIAL.id, 'X-SS-App-Auth-Token': CREDENTIAL.token },
    });
    return (await answer.json()) as readonly unknown[];
  };
  const instances = () => [...simulator.hub.jobs.values()].filter(({ definition }) => !definition.jobTemplate);

  test('the two sets of the example become two instances, which end recorded with their counts', async () => {
    const runId = await started('weather', SETS);
    expect(await ended(runId)).toBe('SUCCEEDED');
    expect(await jobsOf(runId)).toMatchObject(
      SETS.map(() => ({ state: 'FINISHED', metrics: { 'input-record-count': 12_482, 'output-record-count': 12_482 } })),
    );
    expect(instances().map(({ effectiveParameters }) => effectiveParameters)).toEqual(
      expect.arrayContaining(SETS.map((set) => expect.objectContaining({ ...set, ...STATIC }) as unknown)),
    );
  });

  test('a service that stops while its jobs run finds them when it starts again', async () => {
    const before = instances().length;
    const runId = await started('restarted', SETS);
    while (instances().length < before + 2) await new Promise((resolve) => setTimeout(resolve, 50));
    service = await service.restart();
    expect(await ended(runId)).toBe('SUCCEEDED');
    expect(instances()).toHaveLength(before + 2);
  });

  test('a cancelled run leaves no active job there', async () => {
    const runId = await started('cancelled', [{ ...SETS[0], SIMULATE_STREAMING: 'true' }]);
    while ((await jobsOf(runId))[0]?.state !== 'RUNNING') await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await activeInstances()).length).toBe(1);
    await service.request('POST', `/v1/runs/${runId}/cancel`);
    expect(await ended(runId)).toBe('CANCELLED');
    expect(await activeInstances()).toEqual([]);
  });

  test('an id that is no job template of this Control Hub is refused', async () => {
    const { status, body } = await service.request('PUT', '/v1/templates/tmpl_none', templateOf('no-such:template'));
    expect([status, JSON.stringify(body)]).toEqual([422, expect.stringContaining('/definition/job-template-id')]);
  });

  test('neither the token nor a part of it is kept anywhere', () => {
    const files = readdirSync(service.dataDir, { recursive: true, encoding: 'utf8' }).map((name) => join(service.dataDir, name));
    const kept = files.filter((file) => statSync(file).isFile() && !file.endsWith('hub-token')).map((file) => readFileSync(file));
    expect(kept.some((bytes) => bytes.includes('146_gcs_bucket'))).toBe(true);
    for (const part of [CREDENTIAL.id, ...CREDENTIAL.token.split('.').slice(1)]) {
      expect(kept.some((bytes) => bytes.includes(part))).toBe(false);
    }
  });
});

test('where Control Hub is not set up, a template for it is refused with what to set', async () => {
  const service = await startService();
  const { status, body } = await service.request('PUT', '/v1/templates/tmpl_http-to-gcs', templateOf('a:b'));
  expect([status, JSON.stringify(body)]).toEqual([
    422,
    expect.stringContaining('set SLUICE_CONTROL_HUB_CREDENTIAL_ID and SLUICE_CONTROL_HUB_AUTH_TOKEN'),
  ]);
  await service.close();
});
