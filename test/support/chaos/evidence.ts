/** What the service, its files and its Step Functions endpoint say after the last round, read through the ways that users have. */
import { GetExecutionHistoryCommand, ListExecutionsCommand, ListStateMachinesCommand, SFNClient } from '@aws-sdk/client-sfn';
import type { SluiceClient } from '#client/sluice-client';
import type { HistoryEntryView, JobView, RunView } from '#contract/views';
import { allOf } from '#test/support/all-of';
import { outputsBelow, type OutputEvidence } from './outputs.ts';
import type { PlannedRun } from './plan.ts';
import type { Asked } from './rounds.ts';

export interface JobEvidence {
  readonly job: JobView;
  readonly history: readonly HistoryEntryView[];
}

export interface RunEvidence {
  readonly planned: PlannedRun;
  readonly view: RunView;
  /** As it looked when it was seen ended, if it was, some kills ago. */
  readonly seenEnded?: RunView;
  readonly jobs: readonly JobEvidence[];
  /** `job_id` of every row of the run's metrics. */
  readonly metricsOf: readonly string[];
}

export interface ExecutionEvidence {
  readonly arn: string;
  readonly machine: string;
  readonly name: string;
  readonly status: string;
  /** Of a Map: its parent's name. */
  readonly parent?: string;
}

export interface Evidence {
  readonly runs: readonly RunEvidence[];
  /** Every run that the service lists, whoever asked for it. */
  readonly listed: readonly string[];
  /** Every file below the output root, by its path from there. */
  readonly outputs: ReadonlyMap<string, OutputEvidence>;
  readonly executions: readonly ExecutionEvidence[];
}

export interface Sources {
  readonly client: SluiceClient;
  readonly stepFunctionsEndpoint: string;
  readonly outputRoot: string;
}

const ENDED_WITHIN_SECONDS = 180;

/** Waits for the end of what is under way; what has not ended then is evidence of its own. */
export async function gather({ client, stepFunctionsEndpoint, outputRoot }: Sources, { accepted, seenEnded }: Asked): Promise<Evidence> {
  const runs: RunEvidence[] = [];
  const until = performance.now() + ENDED_WITHIN_SECONDS * 1000;
  for (const { planned, runId } of accepted.values()) {
    const timeoutSeconds = Math.max(0, (until - performance.now()) / 1000);
    const { run: view } = await client.waitForRun(runId, { timeoutSeconds });
    const seen = seenEnded.get(runId);
    const [jobs, rows] = await Promise.all([jobsOf(client, runId), metricsOf(client, planned)]);
    runs.push({ planned, view, ...(seen && { seenEnded: seen }), jobs, metricsOf: rows });
  }
  const executions = await endedExecutions(stepFunctionsEndpoint);
  const listed = (await allOf(client.runs({ limit: 500 }))).map((run) => run['run-id']);
  return { runs, listed, outputs: outputsBelow(outputRoot), executions };
}

async function jobsOf(client: SluiceClient, runId: string): Promise<readonly JobEvidence[]> {
  const jobs = await allOf(client.jobs(runId, { limit: 500 }));
  return Promise.all(jobs.map(async (job) => ({ job, history: await allOf(client.history(job['job-id'], { limit: 500 })) })));
}

async function metricsOf(client: SluiceClient, { request }: PlannedRun): Promise<readonly string[]> {
  return (await allOf(client.metrics(request['user-run-id'], { limit: 500 }))).map((row) => row.job_id);
}

/** An execution may outlive its run by one Wait, so they are given a while; then they are listed as they are. */
async function endedExecutions(endpoint: string): Promise<readonly ExecutionEvidence[]> {
  const client = new SFNClient({ region: 'local', endpoint, credentials: { accessKeyId: 'local', secretAccessKey: 'local' } });
  try {
    const until = performance.now() + ENDED_WITHIN_SECONDS * 1000;
    while ((await executionsOf(client, 'RUNNING')).length > 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    const executions = await executionsOf(client);
    const children: ExecutionEvidence[] = [];
    for (const { arn, name, machine } of executions) {
      for (const mapRun of machine === 'run' ? await mapRunsOf(client, arn) : [])
        children.push(...(await childrenOf(client, mapRun, name)));
    }
    return [...executions, ...children];
  } finally {
    client.destroy();
  }
}

async function executionsOf(client: SFNClient, statusFilter?: 'RUNNING'): Promise<readonly ExecutionEvidence[]> {
  const { stateMachines = [] } = await client.send(new ListStateMachinesCommand({}));
  const found: ExecutionEvidence[] = [];
  for (const { stateMachineArn, name: machineName = '' } of stateMachines) {
    const machine = machineName.split('-').at(-1) ?? '';
    found.push(...(await listed(client, { stateMachineArn, ...(statusFilter && { statusFilter }) }, { machine })));
  }
  return found;
}

const childrenOf = (client: SFNClient, mapRunArn: string, parent: string): Promise<readonly ExecutionEvidence[]> =>
  listed(client, { mapRunArn }, { machine: 'child', parent });

async function listed(
  client: SFNClient,
  input: ConstructorParameters<typeof ListExecutionsCommand>[0],
  what: Pick<ExecutionEvidence, 'machine' | 'parent'>,
): Promise<readonly ExecutionEvidence[]> {
  const found: ExecutionEvidence[] = [];
  let nextToken: string | undefined;
  do {
    const page = await client.send(
      new ListExecutionsCommand({ ...input, maxResults: 1000, ...(nextToken !== undefined && { nextToken }) }),
    );
    for (const { executionArn: arn = '', name = '', status = '' } of page.executions ?? []) found.push({ ...what, arn, name, status });
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return found;
}

async function mapRunsOf(client: SFNClient, executionArn: string): Promise<readonly string[]> {
  const found: string[] = [];
  let nextToken: string | undefined;
  do {
    const page = await client.send(
      new GetExecutionHistoryCommand({ executionArn, maxResults: 1000, ...(nextToken !== undefined && { nextToken }) }),
    );
    found.push(...(page.events ?? []).flatMap(({ mapRunStartedEventDetails }) => mapRunStartedEventDetails?.mapRunArn ?? []));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return found;
}
