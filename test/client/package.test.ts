/** The package as others use it: packed, unpacked elsewhere, and used by its name in a process and a compilation of their own. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ranOneJob } from '#test/support/one-job';
import { startService } from '#test/support/service';
import { clientOf, startServiceProcess } from '#test/support/service-process';

/** A compilation takes seconds, and several times that beside other tests. */
const COMPILED_WITHIN_MS = 240_000;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-consumer-'));
  const packed =
    execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { encoding: 'utf8' }).trim().split('\n').at(-1) ?? '';
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'sluice'), { recursive: true });
  execFileSync('tar', ['-xzf', join(folder, packed), '-C', join(modules, 'sluice'), '--strip-components=1']);
  // As npm would install them: what is native, and what the client's types are made of. All else is within the bundles.
  for (const name of ['@duckdb', '@dynoxide', 'zod']) symlinkSync(realpathSync(join('node_modules', name)), join(modules, name), 'dir');
  mkdirSync(join(modules, '.bin'));
  symlinkSync('../sluice/bin/sluice.js', join(modules, '.bin/sluice'));
}, COMPILED_WITHIN_MS);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const evaluated = (program: string, cwd: string): string =>
  execFileSync(process.execPath, ['--input-type=module', '--eval', program], { cwd, encoding: 'utf8' });

const SENDS = `
  import { attachJob, EventRefused, sluiceClient } from 'sluice/client';
  const asked = [];
  const fetch = async (url, { body }) => {
    asked.push([url, JSON.parse(body).name]);
    return new Response(JSON.stringify({ type: '/problems/event-refused', title: 'T', status: 409, detail: 'D', state: 'FAILED',
      'allowed-events': ['retire', 'reset'] }), { status: 409 });
  };
  const error = await attachJob({ url: 'http://x', id: 'j', token: 't', fetch }).run().finish().catch((error) => error);
  console.log(JSON.stringify([typeof sluiceClient, asked, error instanceof EventRefused, error.state, error.allowedEvents]));
`;

test.each([
  ['inside of it', () => process.cwd()],
  ['where it is installed', () => folder],
])('sluice/client works by its name, %s', (_, where) => {
  const printed: unknown = JSON.parse(evaluated(SENDS, where()));
  expect(printed).toEqual(['function', [['http://x/v1/jobs/j/events', 'run']], true, 'FAILED', ['retire', 'reset']]);
});

test('npx sluice says what it can do', () => {
  const printed = execFileSync('npx', ['--offline', 'sluice', '--help'], { cwd: folder, encoding: 'utf8' });
  expect(printed).toMatch(/^Usage: sluice GROUP COMMAND/m);
  expect(printed).toMatch(/^ {2}serve /m);
});

test('npx sluice serve is the service, with all its functions, its console and its engine', async () => {
  const main = [join(folder, 'node_modules/.bin/sluice'), 'serve'];
  const service = startServiceProcess({ dataDir: join(folder, 'data'), main });
  try {
    const client = await clientOf(service);
    expect((await fetch(`${(await service.url) ?? ''}/console/`)).status).toBe(200);
    expect((await ranOneJob(client)).state).toBe('SUCCEEDED');
    expect(readFileSync(join(folder, 'data/output/n.csv'), 'utf8')).toBe('n\n1\n');
  } finally {
    service.process.kill('SIGINT');
  }
  expect(await service.silent).toBe(0);
});

test('depends on nothing: the built file imports no module, and names nothing of Node', () => {
  const text = readFileSync('.out/client/index.js', 'utf8');
  expect(text).not.toMatch(/^\s*import\s|\brequire\(|from ["']node:|\bprocess\.|\bBuffer\b/m);
});

function faultsOf(source: string): readonly string[] {
  const file = join(folder, 'consumer.mts');
  writeFileSync(file, source);
  const program = ts.createProgram([file], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts'],
    types: [],
    strict: true,
    noEmit: true,
  });
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

test('has types, under settings that are not ours and with its declarations checked', { timeout: COMPILED_WITHIN_MS }, () => {
  const faults = faultsOf(`
    import { sluiceClient, type EventTaken, type JobRegistered, type ReportingJob } from 'sluice/client';
    const client = sluiceClient({ url: 'http://x' });
    const job = await client.registerJob({ pipeline: 'p', data: { sample: 1 } });
    const told: JobRegistered = job.registered;
    const taken: EventTaken = await job.run().update({ step: 'a' }).finish();
    const later: ReportingJob = client.attach(told['job-id'], told.token);
    if (taken.state === 'DONE') await later.run().fly();
  `);
  expect(faults).toEqual([expect.stringMatching(/types .* and '"DONE"' have no overlap/), expect.stringContaining("'fly' does not exist")]);
});

test('the program that the README shows works as it stands there', async () => {
  const [, program = ''] = /^```js\n([\s\S]*?)^```$/m.exec(readFileSync('README.md', 'utf8')) ?? [];
  expect(program).toContain("from 'sluice/client'");
  const service = await startService();
  try {
    const file = join(folder, 'readme.mjs');
    writeFileSync(file, program.replaceAll('http://127.0.0.1:8888', service.host.url));
    const env = { ...process.env, SLUICE_TOKEN: service.host.token };
    // Not synchronous: the service is in this process.
    const { stdout } = await promisify(execFile)(process.execPath, [file], { env });
    expect(stdout).toBe('FINISHED\n');
  } finally {
    await service.close();
  }
});
