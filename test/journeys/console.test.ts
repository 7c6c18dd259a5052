/** The console as it is served, run against a service as it is run; what stands in for the browser parses no markup and allows no eval. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createContext, runInContext } from 'node:vm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { SluiceClient } from '#client/sluice-client';
import { StandInDocument, StandInFormData, type StandIn } from '#test/console/page-stand-in';
import { clientOf, startServiceProcess, type ServiceProcess } from '#test/support/service-process';

let folder: string;
let service: ServiceProcess;
let client: SluiceClient;
let url: string;
let timers: NodeJS.Timeout[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-console-'));
  writeFileSync(join(folder, 'few.csv'), 'city,degrees\nParis,7\nRome,12\n');
  service = startServiceProcess({ dataDir: join(folder, 'data'), args: ['--input-root', folder, '--allow-anonymous'] });
  client = await clientOf(service);
  url = (await service.url) ?? '';
  await client.putTemplate('tmpl_copy', {
    name: 'Copy',
    engine: 'duckdb',
    definition: {
      inputs: [{ name: 'source', path: '$SOURCE' }],
      stages: [{ name: 'read', role: 'input', sql: 'CREATE TABLE raw AS SELECT * FROM read_csv($source)' }],
      target: { path: '$TARGET', sql: 'SELECT * FROM raw', format: 'parquet' },
    },
  });
  await client.putPattern({ 'source-type': 'csv', 'target-type': 'parquet', 'template-id': 'tmpl_copy' });
});
afterAll(async () => {
  for (const timer of timers) clearInterval(timer);
  timers = [];
  service.process.kill('SIGTERM');
  await service.ended;
  rmSync(folder, { recursive: true, force: true });
});

interface Browser {
  readonly document: StandInDocument;
  readonly page: StandIn;
  readonly stored: Map<string, string>;
  readonly address: () => string;
  readonly errors: unknown[];
  /** Waits until the page says so. */
  shows(text: string): Promise<void>;
  click(tag: string, text: string): void;
}

async function opened(search: string): Promise<Browser> {
  const html = await (await fetch(`${url}/console/`)).text();
  const [, script = ''] = /src="([^"]+)"/.exec(html) ?? [];
  const code = await (await fetch(`${url}/console/${script}`)).text();
  const document = new StandInDocument();
  const stored = new Map<string, string>();
  const errors: unknown[] = [];
  let location = new URL(`${url}/console/${search}`);
  const guarded = (call: () => void) => (): void => {
    try {
      call();
    } catch (error) {
      errors.push(error);
    }
  };
  const context = createContext(
    {
      document,
      get location() {
        return location;
      },
      history: { pushState: (_: unknown, __: string, to: string) => (location = new URL(to, location)) },
      sessionStorage: {
        getItem: (name: string) => stored.get(name) ?? null,
        setItem: (name: string, value: string) => stored.set(name, value),
        removeItem: (name: string) => stored.delete(name),
      },
      addEventListener: () => undefined,
      setInterval: (call: () => void, ms: number) => timers.push(setInterval(guarded(call), ms)),
      tried: () => errors.push(new Error('code was made at run time')),
      FormData: StandInFormData,
      ...{ fetch, setTimeout, URL, URLSearchParams, AbortSignal, crypto, performance, Headers },
    },
    { codeGeneration: { strings: false, wasm: false } },
  );
  // Who tries and gives way would not be noticed otherwise; a browser reports it.
  runInContext('Function = new Proxy(Function, { construct() { tried(); throw new EvalError(); } })', context);
  runInContext(code, context);
  const page = document.root;
  return {
    document,
    page,
    stored,
    errors,
    address: () => location.search,
    async shows(text) {
      for (let tries = 0; tries < 200 && !page.textContent.includes(text); tries += 1) await pause(50);
      expect(page.textContent).toContain(text);
    },
    click(tag, text) {
      expect(document.fire('click', page.find(tag, text))).toBe(true);
    },
  };
}

async function ended(name: string, sources: readonly string[]): Promise<string> {
  const sets = sources.map((source, index) => ({ SOURCE: source, TARGET: `${name}-${index}.parquet` }));
  const body = { 'user-id': 'ada', 'user-run-id': name, 'source-type': 'csv', 'target-type': 'parquet', 'runtime-parameters': sets };
  const started = await client.startRun(body);
  await client.waitForRun(started['run-id'], { timeoutSeconds: 30 });
  return started['run-id'];
}

/** What the last tasks of a run used is counted when they are over, a little after its end. */
async function settledCost(id: string): Promise<number> {
  const usd = async (): Promise<number | undefined> => (await client.getRun(id, { cost: true })).cost?.usd;
  for (let before = await usd(), tries = 0; tries < 50; tries += 1) {
    await pause(200);
    const now = await usd();
    if (now !== undefined && now === before) return now;
    before = now;
  }
  throw new Error(`the cost of ${id} goes on changing`);
}

test('from the list to a run with its cost, to a job with its history, and a retry of what failed', async () => {
  const hostile = '<script>alert(1)</script>.csv';
  const id = await ended('<b>nightly</b>', ['few.csv', hostile]);
  const browser = await opened('');
  await browser.shows('<b>nightly</b>');
  expect(browser.page.has('b')).toBe(false);

  browser.click('a', id);
  await browser.shows('PARTIAL');
  expect(browser.address()).toBe(`?run=${id}`);
  const cost = await settledCost(id);
  browser.click('button', 'Refresh');
  await browser.shows(`$${cost.toFixed(6)} on AWS at list prices`);
  await browser.shows('ms in Lambda');
  await browser.shows(`there is no file ${hostile}`);
  expect(browser.page.has('script')).toBe(false);

  browser.click('a', '1');
  await browser.shows('Everything that happened to it');
  await browser.shows(hostile);

  browser.click('a', id);
  await browser.shows('Retry failed…');
  browser.click('button', 'Retry failed…');
  await browser.shows('1 job that failed or were cancelled will run once more');
  browser.click('button', 'Retry them');
  await browser.shows('Attempt 2 has begun, of 1 job.');
  expect((await client.getRun(id)).attempt).toBe(2);
  await client.waitForRun(id, { timeoutSeconds: 30 });
  expect(browser.errors).toEqual([]);
});

test('a filter is in the address, and what is not asked for is not shown', async () => {
  const id = await ended('whole', ['few.csv']);
  const browser = await opened('?state=SUCCEEDED');
  await browser.shows(id);
  expect(browser.page.find('tbody').textContent).not.toContain('PARTIAL');
});

test('a token that is refused is told; the next is kept for the tab, and not put into the address', async () => {
  const browser = await opened('');
  await browser.shows('Live');
  // On loopback without a token; one that is sent is checked all the same.
  browser.stored.set('sluice-token', 'slc_wrong.secret');
  browser.click('button', 'Refresh');
  await browser.shows('This token was refused.');
  const token = readFileSync(join(folder, 'data', 'token'), 'utf8').trim();
  browser.page.field('token').attributes.set('value', token);
  expect(browser.document.fire('submit', browser.page.find('form'))).toBe(true);
  await browser.shows('Forget the token');
  await browser.shows('Runs, newest first');
  expect([...browser.stored.values()]).toEqual([token]);
  expect(browser.address()).toBe('');
});

/** Where one is installed. What it says of scripts, styles and policies comes on its standard error. */
const chromium = ['chromium', 'chromium-browser', 'google-chrome'].find((name) => spawnSync(name, ['--version']).status === 0);

test.skipIf(chromium === undefined)(
  'a browser shows a run as it stands, under the policy that the page comes with, and complains of nothing',
  async () => {
    const id = await ended('in-a-browser', ['few.csv', '<i>gone</i>.csv']);
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--enable-logging=stderr', '--virtual-time-budget=5000'];
    const { stdout, stderr } = spawnSync(
      chromium ?? '',
      [...flags, `--user-data-dir=${join(folder, 'browser')}`, '--dump-dom', `${url}/console/?run=${id}`],
      { encoding: 'utf8', timeout: 50_000 },
    );
    expect(stdout).toContain(`<title>Run ${id} · Sluice</title>`);
    expect(stdout).toContain('PARTIAL');
    expect(stdout).toMatch(/\$0\.\d{6} on AWS at list prices/);
    expect(stdout).toContain('there is no file &lt;i&gt;gone&lt;/i&gt;.csv');
    expect(stderr.split('\n').filter((line) => line.includes(':CONSOLE'))).toEqual([]);
  },
);
