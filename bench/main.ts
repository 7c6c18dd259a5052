/**
 * `npm run bench`: the figures of design §10, each beside its budget; `--quick` leaves out what takes long, `--bill` all but the bill,
 * `--bill 'N = 10'` all but its scenarios of that name. Nothing here fails a build: times belong to the machine
 * they were taken on, and what must hold everywhere (counts, sizes) is a test.
 */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { loading } from '#test/support/quiet';
import { printBill } from './bill.ts';
import { smallRunAmongLarge, tickOfManyJobs } from './crowded.ts';
import { fourHours } from './four-hours.ts';
import { parkedChildren } from './parked-children.ts';
import { idleProcess } from './process.ts';
import { benchService, sleepingSets, type BenchService } from './service.ts';
import { table } from './table.ts';
import { tokenTiming } from './token-timing.ts';

/** The built app: this runs as `.out/app/bench/main.js`. Not in a module that is shared: the bundler puts those elsewhere. */
const app = new URL('../', import.meta.url);

type Row = readonly [what: string, figure: string, budget: string];

const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** The nearest rank: of fewer than a hundred values the 99th is the largest. */
const percentile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(part * values.length) - 1] ?? Number.NaN;

async function timed<Result>(work: () => Promise<Result>): Promise<readonly [number, Result]> {
  const from = performance.now();
  const result = await work();
  return [performance.now() - from, result];
}

async function untilRecorded(service: BenchService, count: number, rounds: number): Promise<Row> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const [ms, view] = await timed(async () => {
      const started = await service.post(`recorded-${count}-${round}`, sleepingSets(count, 3));
      return service.ended(started['run-id']);
    });
    if (view.jobs.finished !== count) throw new Error(`${view.jobs.finished} of ${count} were recorded`);
    times.push(ms);
  }
  const budget = count === 1000 ? '5 s' : count === 200 ? '3.8 s' : 'linear';
  return [
    `${count.toLocaleString('en')} sets of 3 s, all ended and recorded`,
    `${seconds(median(times))} (${times.map(seconds).join(', ')})`,
    budget,
  ];
}

async function untilAccepted(service: BenchService, count: number, rounds: number, budget: string): Promise<Row> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const [ms, started] = await timed(() => service.post(`accepted-${count}-${round}`, sleepingSets(count, 0)));
    times.push(ms);
    await service.ended(started['run-id']);
  }
  const [p50, p99] = [0.5, 0.99].map((part) => `${Math.round(percentile(times, part))} ms`);
  return [`POST to 202, ${count.toLocaleString('en')} sets, p50 and p99 of ${rounds}`, `${p50 ?? ''}, ${p99 ?? ''}`, `${budget}, p50`];
}

function bill(named = ''): Promise<void> {
  return printBill(
    {
      project: new URL('../../', app),
      load: (path) => loading(import(new URL(`${path}.js`, app).href) as Promise<unknown>),
    },
    named,
    (text) => process.stdout.write(text),
  );
}

async function whileParked(count: number): Promise<Row> {
  const { bytesPerChild, bytesPerChildRecovered, recoverMs } = await parkedChildren(new URL('../../', app), count);
  const [before, after] = [bytesPerChild, bytesPerChildRecovered].map((bytes) => `${(bytes / 1024).toFixed(1)} KB`);
  return [
    `${count.toLocaleString('en')} parked children: each, each after a restart, until recovered`,
    `${before ?? ''}, ${after ?? ''}, ${seconds(recoverMs)}`,
    '2 KB',
  ];
}

/** Each on a host of its own, which is left with its jobs under way. */
async function whileCrowded(): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const measure of [tickOfManyJobs, smallRunAmongLarge]) {
    const service = await benchService(app);
    rows.push(await measure(service));
    await service.close();
  }
  return rows;
}

async function main(): Promise<void> {
  const only = process.argv.indexOf('--bill');
  if (only !== -1) {
    await bill(process.argv[only + 1]);
    return;
  }
  const rows: Row[] = [];
  const idle = await idleProcess(app);
  rows.push(['start to first answer', `${Math.round(idle.startMs)} ms`, '1,000 ms']);
  rows.push(['idle memory, service and DynamoDB', `${Math.round(idle.residentMb)} MB`, '150 MB']);
  rows.push(await whileParked(10_000));
  const { tookMs, ticks } = await fourHours(new URL('../../', app));
  rows.push([`four hours of a watch loop on a driven clock, ${ticks.toLocaleString('en')} ticks`, seconds(tookMs), '2 s']);
  const service = await benchService(app);
  rows.push(await untilAccepted(service, 1, 100, '15 ms'));
  rows.push(await untilRecorded(service, 200, 3));
  rows.push(await untilRecorded(service, 1000, 3));
  rows.push(await untilAccepted(service, 1000, 10, '300 ms'));
  if (!process.argv.includes('--quick')) {
    rows.push(await untilRecorded(service, 10_000, 1));
    rows.push(await untilAccepted(service, 10_000, 5, '3,000 ms'));
  }
  await service.close();
  if (!process.argv.includes('--quick')) rows.push(...(await whileCrowded()), ...(await tokenTiming(400)));
  process.stdout.write(`${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, Node ${process.versions.node}\n\n`);
  process.stdout.write(`${table(['what', 'measured', 'budget'], rows)}\n`);
  if (!process.argv.includes('--quick')) await bill();
  execFileSync(process.execPath, [fileURLToPath(new URL('scripts/bundle-sizes.js', app))], { stdio: 'inherit' });
}

await main();
