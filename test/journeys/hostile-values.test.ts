/** Values that would like to be SQL, paths or patterns: they are data, or their job fails; nothing outside the roots changes. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { JobView } from '#contract/views';
import { allJobs, endedRun, startRun } from '#test/support/journey';
import { startService, type Service } from '#test/support/service';

let service: Service;
let around: string;

/** Everything below a folder with its content, links as links. */
function tree(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((entry) => `${entry.parentPath}/${entry.name} ${entry.isFile() ? readFileSync(join(entry.parentPath, entry.name), 'utf8') : ''}`)
    .toSorted();
}

const outside = (): readonly string[] => tree(join(around, 'outside'));
/** Outputs only: the engine keeps a folder of its own beside them. */
const outputs = (): readonly string[] =>
  readdirSync(service.outputRoot).filter((name) => !name.startsWith('.') && !name.startsWith('link'));

beforeAll(async () => {
  around = mkdtempSync(join(tmpdir(), 'sluice-hostile-'));
  const inputRoot = join(around, 'input');
  for (const folder of ['input', 'outside', 'outside/folder']) mkdirSync(join(around, folder));
  writeFileSync(join(around, 'outside/secret.csv'), 'secret\n1\n');
  writeFileSync(join(inputRoot, 'good.csv'), 'a,b\n1,2\n');
  symlinkSync(join(around, 'outside/secret.csv'), join(inputRoot, 'link.csv'));
  symlinkSync(join(around, 'outside'), join(inputRoot, 'linked'));
  service = await startService({ inputRoot });
  symlinkSync(join(around, 'outside'), join(service.outputRoot, 'link'));
  symlinkSync(join(around, 'outside/made.csv'), join(service.outputRoot, 'link.csv'));
  await service.request('PUT', '/v1/templates/tmpl_copy', {
    name: 'Copy',
    engine: 'duckdb',
    'target-parameters': { SECRET: 'of the template' },
    definition: {
      inputs: [{ name: 'source', path: '$SOURCE' }],
      stages: [{ name: 'read', role: 'input', sql: 'CREATE TABLE raw AS SELECT * FROM read_csv($source)' }],
      target: { path: '$TARGET', sql: 'SELECT *, $VALUE AS given FROM raw', format: 'csv' },
    },
  });
  await service.request('PUT', '/v1/patterns/csv/csv', { 'template-id': 'tmpl_copy' });
});
afterAll(async () => {
  await service.close();
  rmSync(around, { recursive: true, force: true });
});

let names = 0;
async function jobsOf(sets: readonly object[]): Promise<readonly JobView[]> {
  const started = await startRun(service, { sourceType: 'csv', targetType: 'csv', userRunId: `hostile-${(names += 1)}`, sets });
  await endedRun(service, started['run-id']);
  return allJobs(service, started['run-id']);
}

test('values that look like SQL, parameters or code are written as they are', async () => {
  const values = [
    "'; DROP TABLE raw; --",
    '"; SELECT 1; --',
    '$SECRET',
    '$source',
    '${SECRET}',
    '{{SECRET}}',
    "$$ || read_text('/etc/passwd') || $$",
    "' UNION SELECT content FROM read_text('/etc/passwd') --",
    'env:HOME',
    '/* */',
    '=cmd()',
    '\\',
    '😀 ☃',
  ];
  const jobs = await jobsOf(values.map((VALUE, index) => ({ SOURCE: 'good.csv', TARGET: `value-${index}.csv`, VALUE })));
  expect(jobs.map(({ state }) => state)).toEqual(values.map(() => 'FINISHED'));
  for (const [index, value] of values.entries()) {
    const [, row = ''] = readFileSync(join(service.outputRoot, `value-${index}.csv`), 'utf8').split('\n');
    const cell = row.slice('1,2,'.length);
    expect(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell).toBe(value);
  }
});

test('names of parameters that every object has are no parameters of a statement', async () => {
  const document = (sql: string): object => ({
    name: 'Names',
    engine: 'duckdb',
    definition: { target: { path: '$TARGET', sql, format: 'csv' } },
  });
  await service.request('PUT', '/v1/templates/tmpl_names', document('SELECT $constructor AS a, $__proto__ AS b'));
  await service.request('PUT', '/v1/patterns/names/csv', { 'template-id': 'tmpl_names' });
  const given = JSON.parse('{"TARGET":"names.csv","constructor":"c","__proto__":"p"}') as object;
  const sets = [given, { TARGET: 'none.csv' }];
  const started = await startRun(service, { sourceType: 'names', targetType: 'csv', userRunId: 'names', sets });
  await endedRun(service, started['run-id']);
  const jobs = await allJobs(service, started['run-id']);
  expect(jobs.map(({ state }) => state)).toEqual(['FINISHED', 'FAILED']);
  expect(readFileSync(join(service.outputRoot, 'names.csv'), 'utf8')).toContain('c,p');
  expect(jobs[1]?.failure?.message).toMatch(/no parameter (constructor|__proto__) was given/);
});

test('a NUL in a value is data, or the job says that it cannot be', async () => {
  const [job] = await jobsOf([{ SOURCE: 'good.csv', TARGET: 'nul.csv', VALUE: 'a\u0000b' }]);
  if (job?.state === 'FINISHED') expect(readFileSync(join(service.outputRoot, 'nul.csv'), 'utf8')).toContain('a\u0000b');
  else expect(job?.failure?.reason).toBe('engine-error');
});

const ESCAPES = [
  '../../etc/passwd',
  '/etc/passwd',
  '..',
  '.',
  '',
  'a/../../b.csv',
  '..\\b.csv',
  'a\u0000b.csv',
  'file:///etc/passwd',
  '~/x/..',
];

test('a source outside the input root is refused, by name, link or folder, and nothing of it is shown', async () => {
  const sources = [...ESCAPES, 'link.csv', 'linked/secret.csv', '*.csv', '/proc/self/environ', '/dev/zero', 'http://127.0.0.1:1/x'];
  const before = outputs();
  const jobs = await jobsOf(sources.map((SOURCE, index) => ({ SOURCE, TARGET: `source-${index}.csv`, VALUE: '' })));
  expect(jobs.map(({ state, failure }) => [state, failure?.reason])).toEqual(sources.map(() => ['FAILED', 'engine-error']));
  expect(outputs()).toEqual(before);
  for (const { failure } of jobs) {
    expect(failure?.message).not.toContain(around);
    expect(failure?.message).not.toContain('/bin/');
  }
});

test('a target outside the output root is refused, and nothing outside changes', async () => {
  const elsewhere = join(around, 'outside/absolute.csv');
  const targets = [...ESCAPES, elsewhere, 'link/made.csv', 'link/folder/made.csv', '.sluice/made.csv', 'folder/'].filter(
    (each) => each !== '~/x/..',
  );
  const before = outside();
  const jobs = await jobsOf(targets.map((TARGET) => ({ SOURCE: 'good.csv', TARGET, VALUE: '' })));
  const refused = jobs.map(({ state }, index) => [targets[index], state]);
  // A URL is a path like any other to a target: a folder called `file:`.
  expect(refused).toEqual(targets.map((target) => [target, target.startsWith('file:') ? 'FINISHED' : 'FAILED']));
  expect(outside()).toEqual(before);
});

test('a link in the place of a target is replaced, not followed', async () => {
  const before = outside();
  const [job] = await jobsOf([{ SOURCE: 'good.csv', TARGET: 'link.csv', VALUE: 'mine' }]);
  expect(job?.state).toBe('FINISHED');
  expect(readFileSync(join(service.outputRoot, 'link.csv'), 'utf8')).toContain('mine');
  expect(outside()).toEqual(before);
});
