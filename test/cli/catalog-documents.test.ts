import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCatalog } from '#cli/catalog-documents';

const TEMPLATE = 'kind: template\nid: tmpl_a\nname: A\nengine: duckdb\n';
const PATTERN = 'kind: pattern\nsource-type: csv\ntarget-type: parquet\ntemplate-id: tmpl_a\n';
const problems = (...texts: readonly string[]): readonly string[] => {
  const read = readCatalog(texts.map((text, index) => ({ path: `${index}.yaml`, text })));
  return read.kind === 'problems' ? read.problems : [];
};

test('a file may hold several documents, and JSON is YAML', () => {
  const json = JSON.stringify({ kind: 'pattern', 'source-type': 'http', 'target-type': 'csv', 'template-id': 'tmpl_a' });
  const read = readCatalog([
    { path: 'a.yaml', text: `${TEMPLATE}---\n${PATTERN}` },
    { path: 'b.json', text: json },
  ]);
  expect(read).toMatchObject({ kind: 'catalog', catalog: { templates: [{ id: 'tmpl_a' }], patterns: [{}, { 'source-type': 'http' }] } });
});

test('the example catalog has nothing wrong', () => {
  const folder = 'examples/catalog';
  const files = readdirSync(folder).map((name) => ({ path: name, text: readFileSync(join(folder, name), 'utf8') }));
  const read = readCatalog(files);
  expect(read).toMatchObject({ kind: 'catalog' });
  expect(read.kind === 'catalog' ? [read.catalog.templates.length, read.catalog.patterns.length] : read.problems).toEqual([3, 3]);
});

test.each([
  ['kind: schedule', '0.yaml: /kind: must be template or pattern'],
  ['just text', '0.yaml: /kind: must be template or pattern'],
  [TEMPLATE.replace('tmpl_a', 'A'), '0.yaml: /id: must be tmpl_ and then lower-case letters, digits and hyphens'],
  [`${TEMPLATE}limits: { max-parallel: 0 }`, '0.yaml: /limits/max-parallel: '],
  [`${TEMPLATE}colour: blue`, '0.yaml: /: Unrecognized key: "colour"'],
  [`${PATTERN}---\n${TEMPLATE.replace('name: A\n', '')}`, '0.yaml (document 2): /name: '],
  ['a: [1', '0.yaml: '],
  [`${TEMPLATE}name: B`, '0.yaml: Map keys must be unique at line 5, column 1'],
])('%j is refused by file and pointer', (text, message) => {
  const [first] = problems(text);
  expect(first?.startsWith(message), first).toBe(true);
});

test('two patterns for one pair, or two templates of one id, are refused with both places', () => {
  expect(problems(`${TEMPLATE}---\n${PATTERN}`, PATTERN)).toEqual(['1.yaml: pattern csv to parquet is in 0.yaml (document 2) as well']);
  expect(problems(TEMPLATE, TEMPLATE)).toEqual(['1.yaml: template tmpl_a is in 0.yaml as well']);
});
