import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startService, type Service } from '#test/support/service';
import { terminalOf, type Printed } from './terminal.ts';

let service: Service;
let folder: string;

beforeEach(async () => {
  service = await startService();
  folder = mkdtempSync(join(tmpdir(), 'sluice-catalog-'));
});
afterEach(async () => {
  await service.close();
  rmSync(folder, { recursive: true, force: true });
});

const TEMPLATE = `kind: template
id: tmpl_copy
name: Copy
engine: duckdb
definition:
  target: { path: $TARGET_PATH, sql: SELECT 1 AS one, format: csv }
`;
const PATTERN = 'kind: pattern\nsource-type: a\ntarget-type: b\ntemplate-id: tmpl_copy\n';

const write = (name: string, text: string): void => {
  writeFileSync(join(folder, name), text);
};
const apply = (path = folder): Promise<Printed> => terminalOf(service)('catalog', 'apply', path);
const registered = async (): Promise<{ readonly patterns: readonly object[]; readonly templates: readonly object[] }> => {
  const { stdout } = await terminalOf(service)('catalog', 'list', '--json');
  return JSON.parse(stdout) as { readonly patterns: readonly object[]; readonly templates: readonly object[] };
};

test('the example catalog is registered as it stands, templates first; the second time changes nothing', async () => {
  const first = await apply('examples/catalog');
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout).toBe(`created    template  tmpl_csv-to-parquet
created    template  tmpl_flights-by-airport
created    template  tmpl_http-to-csv
created    pattern   csv to parquet
created    pattern   parquet to parquet
created    pattern   http to csv
`);
  const before = await registered();
  const second = await apply('examples/catalog');
  expect(second.stdout).toBe(first.stdout.replaceAll('created  ', 'unchanged'));
  expect(await registered()).toEqual(before);
});

test('a changed template is the next version, and alone is told as changed', async () => {
  write('a.yaml', `${TEMPLATE}---\n${PATTERN}`);
  await apply();
  write('a.yaml', `${TEMPLATE.replace('Copy', 'Copy it')}---\n${PATTERN}`);
  expect((await apply()).stdout).toBe('changed    template  tmpl_copy\nunchanged  pattern   a to b\n');
  expect((await registered()).templates).toMatchObject([{ 'template-id': 'tmpl_copy', version: 2 }]);
});

test('a catalog can be listed for people', async () => {
  write('a.yaml', `${TEMPLATE}---\n${PATTERN}`);
  await apply();
  expect((await terminalOf(service)('catalog', 'list')).stdout).toBe(`SOURCE  TARGET  TEMPLATE
a       b       tmpl_copy

TEMPLATE   VERSION  ENGINE  NAME
tmpl_copy        1  duckdb  Copy
`);
});

test.each([
  ['one document is wrong', `${PATTERN}colour: blue`, /b\.yaml: \/: Unrecognized key: "colour"/],
  ['a file is no YAML', 'kind: [', /b\.yaml: /],
  ['two patterns serve one pair', PATTERN, /b\.yaml: pattern a to b is in .*a\.yaml \(document 2\) as well/],
  [
    'a pattern names a template that nobody knows',
    PATTERN.replace('source-type: a', 'source-type: c').replace('tmpl_copy', 'tmpl_none'),
    /b\.yaml: \/template-id: tmpl_none is neither in this catalog nor registered/,
  ],
])('where %s nothing is registered at all', async (_, text, message) => {
  write('a.yaml', `${TEMPLATE}---\n${PATTERN}`);
  write('b.yaml', text);
  const { code, stdout, stderr } = await apply();
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^sluice: nothing was registered\.\nWhy: /);
  expect(stderr).toMatch(message);
  expect(await registered()).toEqual({ patterns: [], templates: [] });
});

test('what the engine refuses is named by file, template and pointer', async () => {
  write('a.yaml', TEMPLATE.replace('SELECT 1 AS one', 'SELEKT 1'));
  const { code, stderr } = await apply();
  expect(code).toBe(2);
  expect(stderr).toMatch(/^sluice: .*a\.yaml: template tmpl_copy was not registered; 0 documents before it were\.$/m);
  expect(stderr).toMatch(/^ {2}\/definition\/target\/sql: /m);
});

test('a pattern may name a template of an earlier catalog', async () => {
  write('a.yaml', TEMPLATE);
  await apply();
  write('a.yaml', PATTERN);
  expect((await apply()).stdout).toBe('created    pattern   a to b\n');
});

test('an empty directory is a mistake, not an empty catalog', async () => {
  expect(await apply()).toMatchObject({ code: 2, stdout: '' });
});

describe('a dry run', () => {
  test('says of each document what would happen and in which fields, and sends nothing', async () => {
    write('a.yaml', `${TEMPLATE}---\n${PATTERN}`);
    await apply();
    const before = await registered();
    write(
      'a.yaml',
      `${TEMPLATE.replace('Copy', 'Copy it').replace('1 AS one', '2 AS two')}limits: { max-parallel: 7 }
---
${PATTERN}---
${TEMPLATE.replace('tmpl_copy', 'tmpl_other')}---
${PATTERN.replace('source-type: a', 'source-type: c').replace('tmpl_copy', 'tmpl_other')}`,
    );
    const { code, stdout, stderr } = await terminalOf(service)('catalog', 'apply', folder, '--dry-run');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe(`changed    template  tmpl_copy
           /name: "Copy" → "Copy it"
           /definition/target/sql: "SELECT 1 AS one" → "SELECT 2 AS two"
           /limits/max-parallel: 1000 → 7
created    template  tmpl_other
unchanged  pattern   a to b
created    pattern   c to b
`);
    expect(await registered()).toEqual(before);
    const asJson = await terminalOf(service)('catalog', 'apply', folder, '--dry-run', '--json', 'change,differences');
    expect((JSON.parse(asJson.stdout) as readonly object[])[0]).toMatchObject({
      change: 'changed',
      differences: [{ pointer: '/name', before: 'Copy', after: 'Copy it' }, {}, {}],
    });
    expect((await apply()).stdout).toBe(stdout.replaceAll(/^ .*\n/gm, ''));
  });

  test('of what is applied already finds nothing to do, and of another template for a pair both ids', async () => {
    await apply('examples/catalog');
    const dry = (): Promise<Printed> => terminalOf(service)('catalog', 'apply', folder, '--dry-run');
    write('a.yaml', 'kind: pattern\nsource-type: csv\ntarget-type: parquet\ntemplate-id: tmpl_http-to-csv\n');
    expect((await dry()).stdout).toBe(`changed    pattern   csv to parquet
           /template-id: "tmpl_csv-to-parquet" → "tmpl_http-to-csv"
`);
    const { stdout } = await terminalOf(service)('catalog', 'apply', 'examples/catalog', '--dry-run');
    expect(stdout.match(/^unchanged/gm)).toHaveLength(6);
  });

  test('is refused where applying would be: for a template that nobody knows', async () => {
    write('a.yaml', PATTERN);
    const { code, stderr } = await terminalOf(service)('catalog', 'apply', folder, '--dry-run');
    expect([code, stderr.includes('tmpl_copy is neither in this catalog nor registered')]).toEqual([2, true]);
  });
});

describe('what is registered', () => {
  beforeEach(async () => {
    write('a.yaml', `${TEMPLATE}---\n${PATTERN}`);
    await apply();
  });
  const view = (...words: readonly string[]): Promise<Printed> => terminalOf(service)('catalog', 'view', ...words);

  test('is shown as the document that registers it, newest or in a version, and as JSON', async () => {
    write('a.yaml', TEMPLATE.replace('Copy', 'Copy it'));
    await apply();
    expect((await view('tmpl_copy')).stdout).toMatch(/^# version 2, registered 20.*Z\nkind: template\nid: tmpl_copy\nname: Copy it\n/);
    write('a.yaml', (await view('tmpl_copy', '--version', '1')).stdout);
    expect((await apply()).stdout).toBe('changed    template  tmpl_copy\n');
    expect((await view('a', 'b')).stdout).toBe(PATTERN);
    expect(JSON.parse((await view('tmpl_copy', '--json', 'version,name')).stdout)).toEqual({ version: 3, name: 'Copy' });
    expect(JSON.parse((await view('a', 'b', '--json', 'template-id')).stdout)).toEqual({ 'template-id': 'tmpl_copy' });
  });

  test.each([
    [['tmpl_none'], /there is no template tmpl_none/],
    [['tmpl_copy', '--version', '9'], /there is no template tmpl_copy of version 9/],
    [['b', 'a'], /no pattern for b to a/],
    [['a'], /TARGET is missing/],
    [['a', 'b', '--version', '1'], /--version is for templates/],
    [[], /ID\|SOURCE is missing/],
  ])('%j is told as a mistake, with exit 2', async (words, message) => {
    const { code, stdout, stderr } = await view(...words);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^sluice: it cannot be shown\.\nWhy: .*\nNext: .*\n$/);
    expect(stderr).toMatch(message);
  });

  test('is exported as one file per template that applies as unchanged, and to stdout as one text that does', async () => {
    await apply('examples/catalog');
    const target = join(folder, 'made/by export');
    const exported = await terminalOf(service)('catalog', 'export', target);
    const names = ['copy', 'csv-to-parquet', 'flights-by-airport', 'http-to-csv'];
    expect(exported).toEqual({ code: 0, stderr: '', stdout: names.map((name) => `${join(target, name)}.yaml\n`).join('') });
    const again = await apply(target);
    expect(again.stdout.match(/^unchanged/gm)).toHaveLength(8);
    expect(again.stdout).not.toMatch(/^(created|changed)/m);
    const { stdout } = await terminalOf(service)('catalog', 'export');
    write('a.yaml', stdout);
    expect((await apply(join(folder, 'a.yaml'))).stdout.match(/^unchanged/gm)).toHaveLength(8);
  });

  test('is not written over files that say something else, unless that is forced', async () => {
    const target = join(folder, 'out');
    await terminalOf(service)('catalog', 'export', target);
    const [file, hands] = [join(target, 'copy.yaml'), '# with comments\n'];
    expect((await terminalOf(service)('catalog', 'export', target)).code).toBe(0);
    writeFileSync(file, hands);
    const refused = await terminalOf(service)('catalog', 'export', target);
    expect([refused.code, refused.stdout, readFileSync(file, 'utf8')]).toEqual([2, '', hands]);
    expect(refused.stderr).toMatch(/copy\.yaml is there and differs\nNext: .*--force/);
    expect((await terminalOf(service)('catalog', 'export', target, '--force')).code).toBe(0);
    expect(readFileSync(file, 'utf8')).toContain('kind: template');
  });

  test('is deleted, pattern before template, and only in the version that is named', async () => {
    const remove = (...words: readonly string[]): Promise<Printed> => terminalOf(service)('catalog', 'delete', ...words);
    const used = await remove('template', 'tmpl_copy');
    expect([used.code, used.stdout]).toEqual([2, '']);
    expect(used.stderr).toMatch(/^sluice: nothing was deleted\.\nWhy: Others still use it; it is used by the pattern a to b\nNext: /);
    expect((await remove('pattern', 'a', 'b', '--version', '2')).stderr).toMatch(/the newest version is 1/);
    expect((await remove('pattern', 'a', 'b', '--version', '1')).stdout).toBe('deleted  pattern  a to b\n');
    expect(JSON.parse((await remove('template', 'tmpl_copy', '--json')).stdout)).toEqual({
      change: 'deleted',
      kind: 'template',
      name: 'tmpl_copy',
    });
    expect((await remove('template', 'tmpl_copy')).stderr).toMatch(/there is no template tmpl_copy/);
    expect(await registered()).toEqual({ patterns: [], templates: [] });
    expect((await view('tmpl_copy', '--version', '1')).stdout).toContain('name: Copy\n');
    expect((await terminalOf(service)('catalog', 'export')).stderr).toMatch(/The catalog is empty/);
  });

  test.each([
    [['template'], /ID\|SOURCE is missing/],
    [['template', 'tmpl_copy', 'x'], /"x" is one word too many/],
    [['pattern', 'a'], /TARGET is missing/],
    [['tempalte', 'tmpl_copy'], /"tempalte" is neither template nor pattern/],
  ])('nothing is deleted by %j', async (words, message) => {
    const { code, stderr } = await terminalOf(service)('catalog', 'delete', ...words);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });
});
