/**
 * What each function weighs and how long its import takes. A bundle over its budget fails: 420 KB, or 550 KB where Step
 * Functions and JSON Schema are in it (design §10). Of the console counts what travels: its files as they are served, zipped.
 * The import time is shown, not judged: it depends on the machine.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { table } from '#bench/table';

const KB = 1024;
const BUDGET = 420 * KB;
const BUDGET_WITH_BOTH = 550 * KB;
const IMPORT_BUDGET_MS = 60;

interface Meta {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly outputs: Readonly<Record<string, { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }>>;
}

function importMs(file: string): number {
  const script = `const t = performance.now(); await import(${JSON.stringify(pathToFileURL(file).href)}); console.log(performance.now() - t);`;
  const environment = { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' };
  const runs = Array.from({ length: 3 }, () =>
    Number(execFileSync(process.execPath, ['--input-type=module', '-e', script], { env: environment }).toString()),
  );
  return Math.min(...runs);
}

const bundles = (JSON.parse(readFileSync('.out/functions/meta.json', 'utf8')) as readonly Meta[]).map(({ outputs }) => {
  const [file = ''] = Object.keys(outputs).filter((name) => name.endsWith('.mjs'));
  const contains = (name: string): boolean =>
    Object.entries(outputs[file]?.inputs ?? {}).some(([input, { bytesInOutput }]) => input.includes(name) && bytesInOutput > 0);
  const budget = contains('client-sfn') ? BUDGET_WITH_BOTH : BUDGET;
  return { file, bytes: statSync(file).size, budget, importMs: importMs(file) };
});

process.stdout.write(
  table(
    ['function', 'size', 'budget', 'import', 'budget'],
    bundles.map(({ file, bytes, budget, importMs: ms }) => [
      file.replace('.out/functions/', '').replace('/handler.mjs', ''),
      `${Math.round(bytes / KB)} KB`,
      `${budget / KB} KB`,
      `${Math.round(ms)} ms`,
      `${IMPORT_BUDGET_MS} ms`,
    ]),
  ),
);

const CONSOLE = '.out/functions/http/console/files';
const CONSOLE_BUDGET = 60 * KB;
const files = readdirSync(CONSOLE).map((name) => readFileSync(`${CONSOLE}/${name}`));
const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);
const travels = sum(files.map((file) => gzipSync(file, { level: 9 }).length));
const kilobytes = (bytes: number): string => `${Math.round(bytes / KB)} KB`;
process.stdout.write(
  table(
    ['files', 'zipped', 'budget', 'as they are'],
    [['console', kilobytes(travels), kilobytes(CONSOLE_BUDGET), kilobytes(sum(files.map(({ length }) => length)))]],
  ),
);

const over = bundles.filter(({ bytes, budget }) => bytes > budget);
if (travels > CONSOLE_BUDGET) {
  process.stderr.write(`Over budget: the console. What is in it: npx esbuild src/console/main.ts --bundle --minify --analyze\n`);
  process.exitCode = 1;
}
if (over.length > 0) {
  process.stderr.write(`Over budget: ${over.map(({ file }) => file).join(', ')}. What is in it: .out/functions/meta.json\n`);
  process.exitCode = 1;
}
