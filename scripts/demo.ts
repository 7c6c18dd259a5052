/**
 * `npm run demo`: the whole service in this process, the example catalog, three runs over the files of vega-datasets, and a
 * check that every set ended as it should. It needs no network and leaves nothing behind; `--keep` leaves the data.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { applyCatalog, catalogFiles, checkedCatalog } from '#cli/apply-catalog';
import { appliedLine } from '#cli/catalog';
import { jobTable, runSummary } from '#cli/run-text';
import { take } from '#cli/take';
import { sluiceClient, type SluiceClient } from '#client/sluice-client';
import type { RunRequest } from '#contract/run-request';
import { RunStarted, type JobView, type RunView } from '#contract/views';
import { builtApp } from '#hosts/local/built-app';
import { startLocalHost, type LocalHost } from '#hosts/local/local-host';

/** From `.out/app/scripts/demo.js`, where the build puts this. */
const built = builtApp(new URL('../', import.meta.url));
const { project } = built;
const datasets = fileURLToPath(
  new URL('../data/', pathToFileURL(createRequire(new URL('package.json', project)).resolve('vega-datasets'))),
);

interface DemoRun {
  readonly title: string;
  readonly request: RunRequest;
  /** Of each set, in their order. */
  readonly expected: readonly JobView['state'][];
  readonly start: (request: RunRequest) => Promise<RunStarted>;
}

async function demo(dataDir: string): Promise<boolean> {
  const closers: (() => Promise<void>)[] = [];
  try {
    const feed = await servedFile('countries.json');
    closers.push(() => feed.close());
    const host = await startedService(dataDir);
    closers.push(() => host.close());
    print(`Service on ${host.url}, input root: the data of vega-datasets. Catalog:\n`);
    const client = sluiceClient({ url: host.url, token: host.token });
    await applyCatalog(client, checkedCatalog(catalogFiles(fileURLToPath(new URL('examples/catalog', project)))), (applied) => {
      print(`  ${appliedLine(applied)}`);
    });
    return await allRun(client, demoRuns(client, host, feed.url));
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

function demoRuns(client: SluiceClient, host: LocalHost, feedUrl: string): readonly DemoRun[] {
  const start = async (request: RunRequest): Promise<RunStarted> => RunStarted.parse(await client.startRun(request));
  const named = ['seattle-weather', 'airports', 'birdstrikes', 'no-such-file'];
  const countries = ['Japan', 'Germany', 'Kenya'];
  return [
    {
      title: 'CSV files to Parquet, one of them missing: POST /v1/runs',
      request: request(
        'csv',
        'parquet',
        named.map((name) => ({ SOURCE_PATH: `${name}.csv`, TARGET_PATH: `tables/${name}.parquet` })),
      ),
      expected: ['FINISHED', 'FINISHED', 'FINISHED', 'FAILED'],
      start,
    },
    {
      title: 'JSON over HTTP to CSV, one file per country: POST /streamsets/job-template-runner, as the original was called',
      request: request(
        'http',
        'csv',
        countries.map((COUNTRY) => ({ HTTP_URL: feedUrl, COUNTRY, TARGET_PATH: `countries/${COUNTRY}.csv` })),
      ),
      expected: ['FINISHED', 'FINISHED', 'FINISHED'],
      start: (body) => startedAsOriginally(host, body),
    },
    {
      title: 'Three million flights to a table of airports: POST /v1/runs',
      request: request('parquet', 'parquet', [
        { SOURCE_PATH: 'flights-3m.parquet', TARGET_PATH: 'flights/airports.parquet', MIN_FLIGHTS: 1000 },
      ]),
      expected: ['FINISHED'],
      start,
    },
  ];
}

function request(sourceType: string, targetType: string, sets: RunRequest['runtime-parameters']): RunRequest {
  return {
    'user-id': 'demo',
    'user-run-id': `demo-${sourceType}-to-${targetType}`,
    'source-type': sourceType,
    'target-type': targetType,
    'runtime-parameters': sets,
  };
}

/** Word for word what a caller of the original service sends; the token is the one thing that is new. */
async function startedAsOriginally({ url, token }: LocalHost, body: RunRequest): Promise<RunStarted> {
  const response = await fetch(`${url}/streamsets/job-template-runner`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  return RunStarted.parse(await response.json());
}

/** All are started, then followed: they share the engine as runs of different callers do. */
async function allRun(client: SluiceClient, runs: readonly DemoRun[]): Promise<boolean> {
  const started = await Promise.all(runs.map(async (run) => ({ run, id: (await run.start(run.request))['run-id'] })));
  const wrong: string[] = [];
  for (const { run, id } of started) {
    const ended = await client.waitForRun(id, { timeoutSeconds: 60 });
    const { items: jobs } = await take(run.expected.length, (page) => client.jobs(id, page));
    print(`\n${run.title}\n\n${runSummary(ended.run)}\n${jobTable(jobs)}`);
    wrong.push(...surprises(run, ended.run, jobs));
  }
  print(wrong.length === 0 ? '\nEvery set ended as expected.\n' : `\nNot as expected:\n${wrong.map((line) => `  ${line}\n`).join('')}`);
  return wrong.length === 0;
}

function surprises({ expected }: DemoRun, run: RunView, jobs: readonly JobView[]): readonly string[] {
  const state = expected.includes('FAILED') ? 'PARTIAL' : 'SUCCEEDED';
  const ofRun = run.state === state ? [] : [`${run['run-id']} is ${run.state} instead of ${state}`];
  const ofJobs = expected.flatMap((wanted, index) => {
    const job = jobs[index];
    if (job?.state !== wanted) return [`set ${index} of ${run['run-id']} is ${job?.state ?? 'missing'} instead of ${wanted}`];
    const written = job.metrics?.['output-record-count'] ?? 0;
    return wanted === 'FINISHED' && written === 0 ? [`set ${index} of ${run['run-id']} wrote no record`] : [];
  });
  return [...ofRun, ...ofJobs];
}

function startedService(dataDir: string): Promise<LocalHost> {
  return startLocalHost({
    settings: {
      port: 0,
      host: '127.0.0.1',
      dataDir,
      inputRoot: datasets,
      outputRoot: join(dataDir, 'output'),
      parallel: 2,
      pollFloorSeconds: 1,
      engineLimits: {},
      allowAnonymous: false,
    },
    ...built,
  });
}

/** One file of the datasets, over loopback HTTP. */
async function servedFile(name: string): Promise<{ readonly url: string; close(): Promise<void> }> {
  const content = readFileSync(join(datasets, name));
  const server = createServer((_, response) => response.setHeader('content-type', 'application/json').end(content));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/${name}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

function print(text: string): void {
  process.stdout.write(text);
}

const dataDir = mkdtempSync(join(tmpdir(), 'sluice-demo-'));
try {
  process.exitCode = (await demo(dataDir)) ? 0 : 1;
} finally {
  if (process.argv.includes('--keep')) print(`Data kept in ${dataDir}, outputs in ${join(dataDir, 'output')}\n`);
  else rmSync(dataDir, { recursive: true, force: true });
}
