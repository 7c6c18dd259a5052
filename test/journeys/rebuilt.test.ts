/** Builds while others build, and while a service runs from what was built before: in a checkout of its own, which shares node_modules. */
import { execFile } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { statSync, symlinkSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readServiceMap } from '#hosts/local/service-map';
import { ranOneJob } from '#test/support/one-job';
import { clientOf, startServiceProcess } from '#test/support/service-process';

let checkout: string;

beforeAll(() => {
  checkout = mkdtempSync(join(tmpdir(), 'sluice-checkout-'));
  const needed = ['package.json', 'package-lock.json', 'tsconfig.json', 'serverless.yml', 'state-machines', 'bin', 'scripts', 'src'];
  for (const name of [...needed, 'functions', 'bench', 'test', 'examples', 'docs']) cpSync(name, join(checkout, name), { recursive: true });
  symlinkSync(resolve('node_modules'), join(checkout, 'node_modules'), 'dir');
});
afterAll(() => {
  rmSync(checkout, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
});

const node = (...args: readonly string[]): Promise<unknown> => promisify(execFile)(process.execPath, args, { cwd: checkout });
const build = (): Promise<unknown> => node('scripts/build.js', '--app');
const built = (name = ''): string => join(checkout, '.out', name);
const versions = (): readonly string[] => readdirSync(built()).filter((name) => name.startsWith('app-'));
const newest = (): string => realpathSync(built('app'));

/** What every function has in its bundle, so that hardly a file of a newer version is called as before. */
const change = (): void => {
  appendFileSync(join(checkout, 'src/domain/faults.ts'), `\n(globalThis as Record<string, unknown>)['changed${Math.random()}'] = true;\n`);
};

/** Nobody is about to start from them: a build leaves what is younger than a minute. */
function age(): void {
  for (const name of versions()) {
    const before = new Date(statSync(built(name)).mtimeMs - 120_000);
    utimesSync(built(name), before, before);
  }
}

test('a service goes on with what it was started from, however often it is built anew', async () => {
  await build();
  const first = newest();
  const service = startServiceProcess({ dataDir: join(checkout, 'data'), main: built('app/src/hosts/local/main.js') });
  try {
    const client = await clientOf(service);
    for (let round = 0; round < 3; round += 1) {
      change();
      age();
      await build();
      expect(newest()).not.toBe(first);
    }
    expect(existsSync(first)).toBe(true);

    // Each of its functions is loaded by its first request.
    const answers = await Promise.all(
      readServiceMap('serverless.yml')
        .routes.filter(({ method }) => method === 'GET')
        .map(async ({ routeKey }) => {
          const path = routeKey.slice('GET '.length).replaceAll(/\{[^}]+\}/g, 'x');
          const token = readFileSync(join(service.dataDir, 'token'), 'utf8').trim();
          const { status } = await fetch(`${(await service.url) ?? ''}${path}`, { headers: { authorization: `Bearer ${token}` } });
          return [routeKey, status];
        }),
    );
    expect(answers.filter(([, status]) => Number(status) >= 500)).toEqual([]);

    // Its tasks, and a worker of DuckDB.
    expect((await ranOneJob(client)).state).toBe('SUCCEEDED');
  } finally {
    service.process.kill('SIGTERM');
    await service.ended;
  }

  // The version before the newest stays, for who is just starting; what the service ran from goes with the next build.
  const before = newest();
  change();
  age();
  await build();
  expect(versions().toSorted()).toEqual([before, newest()].map((path) => basename(path)).toSorted());
});

test('what a killed service ran from goes with a later build', async () => {
  const service = startServiceProcess({ dataDir: join(checkout, 'data'), main: built('app/src/hosts/local/main.js') });
  expect(await service.url).toBeDefined();
  const first = newest();
  service.process.kill('SIGKILL');
  await service.ended;
  for (let round = 0; round < 2; round += 1) {
    change();
    age();
    await build();
  }
  expect(existsSync(first)).toBe(false);
});

test('builds at the same time do not harm each other, and nothing of them is left behind', async () => {
  for (let round = 0; round < 2; round += 1) {
    change();
    const links: string[] = [];
    const seen = setInterval(() => links.push(existsSync(built('app/package.json')) ? 'whole' : 'broken'), 1);
    await Promise.all([build(), build(), build()]);
    clearInterval(seen);
    expect(new Set(links)).toEqual(new Set(['whole']));
    const { stdout } = await promisify(execFile)(process.execPath, [join(checkout, 'bin/sluice.js'), '--help']);
    expect(stdout).toContain('sluice run start');
  }
  expect(readdirSync(built()).filter((name) => !versions().includes(name))).toEqual(['app']);
});

/** What a build puts in place of what was there, without a link: the functions, the client. */
const PLACING = `
  import { mkdirSync, writeFileSync } from 'node:fs';
  import { buildFolder } from './scripts/build-folders.js';
  for (let round = 0; round < 50; round += 1)
    await buildFolder('.out/placed', async (folder) => {
      mkdirSync(folder);
      for (const name of ['a', 'b']) writeFileSync(folder + '/' + name, process.pid + ' ' + round);
    });
`;

test('folders that are put in place at the same time are put there whole', async () => {
  const place = (): Promise<unknown> => node('--input-type=module', '-e', PLACING);
  await Promise.all([place(), place(), place()]);
  expect(readdirSync(built()).filter((name) => !versions().includes(name) && name !== 'app')).toEqual(['placed']);
  const [a, b] = ['a', 'b'].map((name) => readFileSync(built(`placed/${name}`), 'utf8'));
  expect(a).toMatch(/^\d+ 49$/);
  expect(b).toBe(a);
});
