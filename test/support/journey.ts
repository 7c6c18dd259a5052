/** What journeys say to a service: register the sleep engine's template, start a run, wait for its end, read all its jobs. */
import { SFNClient } from '@aws-sdk/client-sfn';
import type { JobView, PageView, RunStarted, RunView } from '#contract/views';
import type { Service } from './service.ts';

/** A client of its own for the service's Step Functions; whoever made it destroys it. */
export function stepFunctionsOf({ host }: Service): SFNClient {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  return new SFNClient({ region: 'local', endpoint: host.stepFunctionsEndpoint, credentials });
}

export async function registerSleep(service: Service): Promise<void> {
  await service.request('PUT', '/v1/templates/tmpl_sleep', { name: 'Sleep', engine: 'sleep' });
  await service.request('PUT', '/v1/patterns/time/nothing', { 'template-id': 'tmpl_sleep' });
}

export interface Asked {
  readonly sourceType: string;
  readonly targetType: string;
  readonly userRunId?: string;
  readonly sets: readonly object[];
}

export async function startRun(service: Service, { sourceType, targetType, userRunId = 'r1', sets }: Asked): Promise<RunStarted> {
  const { status, body } = await service.request<RunStarted>('POST', '/v1/runs', {
    'user-id': 'ada',
    'user-run-id': userRunId,
    'source-type': sourceType,
    'target-type': targetType,
    'runtime-parameters': sets,
  });
  if (status !== 202) throw new Error(`the run was answered ${status}: ${JSON.stringify(body)}`);
  return body;
}

export const startSleeping = (service: Service, sets: readonly object[]): Promise<RunStarted> =>
  startRun(service, { sourceType: 'time', targetType: 'nothing', sets });

/** Polls: a journey sees what a caller sees. */
export async function endedRun(service: Service, runId: string): Promise<RunView> {
  return until(service, runId, (view) => view['finished-at'] !== undefined);
}

export async function until(service: Service, runId: string, holds: (view: RunView) => boolean): Promise<RunView> {
  for (;;) {
    const { body } = await service.request<RunView>('GET', `/v1/runs/${runId}`);
    if (holds(body)) return body;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export async function allJobs(service: Service, runId: string): Promise<readonly JobView[]> {
  const jobs: JobView[] = [];
  let cursor = '';
  do {
    const { body } = await service.request<PageView<JobView>>('GET', `/v1/runs/${runId}/jobs?limit=500${cursor}`);
    jobs.push(...body.items);
    cursor = body['next-cursor'] === undefined ? '' : `&cursor=${body['next-cursor']}`;
  } while (cursor !== '');
  return jobs;
}

export async function eventNames(service: Service, jobId: string): Promise<readonly string[]> {
  const { body } = await service.request<PageView<{ readonly name: string }>>('GET', `/v1/jobs/${jobId}/history`);
  return body.items.map(({ name }) => name);
}
