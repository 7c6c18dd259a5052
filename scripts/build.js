/**
 * The builds of the same sources. `.out/app`: the local host, the command line and all functions in one bundle with shared
 * chunks, so that they share one wiring. `.out/functions`: one minified bundle per function, as Lambda gets it. `.out/client`: what
 * package.json exports as `sluice/client`, for Node and browsers, with its types. And with `--package`, `.out/packed`: what of the
 * app is in the package, which holds no links.
 */
import '../bin/node-version.js';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join, relative } from 'node:path';
import { build } from 'esbuild';
import { buildFolder, buildVersion } from './build-folders.js';

/** Files below `folder` whose name ends in `suffix`. */
const found = (folder, suffix, recursive = false) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive })
        .filter((file) => file.endsWith(suffix))
        .map((file) => join(folder, file))
    : [];

const handlers = found('functions', 'handler.ts', true);
const shared = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  mainFields: ['module', 'main'],
  logLevel: 'warning',
  // Some dependencies are CommonJS inside and ask for Node's own modules by `require`.
  banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
};

/** Written last. Its time is when the build began: what was changed since then may not be in it. */
const STAMP = 'package.json';

/** Of the API; made by `npm run openapi`, and served as it is. */
const DESCRIPTION = 'docs/openapi.json';

function copyDescription(folder) {
  mkdirSync(folder, { recursive: true });
  copyFileSync(DESCRIPTION, join(folder, basename(DESCRIPTION)));
}

/** Whether nothing that the app is made of has changed since it was built: then `npm start` starts at once. */
function isCurrent(place) {
  const stamp = join(place, STAMP);
  if (!existsSync(stamp)) return false;
  const builtAt = statSync(stamp).mtimeMs;
  const sources = ['src', 'functions', 'scripts', 'bench', 'test/support', 'test/simulation', 'test/crash-points', 'test/domain'].flatMap(
    (folder) => found(folder, '', true),
  );
  return ['package.json', 'package-lock.json', DESCRIPTION, ...sources].every((file) => statSync(file).mtimeMs < builtAt);
}

/** What runs where the package is installed. */
const PACKED = ['src/hosts/local/main.ts', 'src/cli/main.ts', 'src/adapters/engines/duckdb/worker.ts'];

async function buildApp() {
  const place = '.out/app';
  if (isCurrent(place)) return;
  const startedAt = new Date();
  const version = await buildVersion(place, (folder) => appInto(folder, [...PACKED, ...found('scripts', '.ts'), ...found('bench', '.ts')]));
  // It may have been there already, made of what these sources were once before.
  utimesSync(join(version, STAMP), startedAt, startedAt);
}

async function buildPackage() {
  const place = '.out/packed';
  if (isCurrent(place) && isCurrent('.out/client')) return;
  await buildClient();
  await buildFolder(place, (folder) => appInto(folder, PACKED));
}

async function appInto(folder, entryPoints) {
  const startedAt = new Date();
  await build({
    ...shared,
    entryPoints: [...handlers, ...entryPoints],
    outdir: folder,
    outbase: '.',
    splitting: true,
    // Native, and needed by the engine's own processes alone.
    external: ['@duckdb/*'],
  });
  await buildConsole(join(folder, 'functions/http/console/files'));
  copyDescription(join(folder, 'functions/http/openapi/files'));
  stamp(folder, startedAt);
}

function stamp(folder, startedAt) {
  writeFileSync(join(folder, STAMP), '{ "type": "module" }\n');
  utimesSync(join(folder, STAMP), startedAt, startedAt);
}

/** The web console as its function serves it: the page, and what it names by the hash of its content. */
async function buildConsole(folder) {
  const { metafile } = await build({
    entryPoints: ['src/console/main.ts', 'src/console/console.css', 'src/console/icon.svg'],
    loader: { '.svg': 'copy' },
    outdir: folder,
    entryNames: 'console-[hash]',
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'warning',
    metafile: true,
  });
  const named = { '.css': 'console.css', '.js': 'main.ts', '.svg': 'icon.svg' };
  const page = Object.keys(metafile.outputs).reduce(
    (html, file) => html.replace(named[extname(file)], basename(file)),
    readFileSync('src/console/index.html', 'utf8'),
  );
  writeFileSync(join(folder, 'index.html'), page);
}

async function buildFunctions() {
  await buildFolder('.out/functions', functionsInto);
}

async function functionsInto(folder) {
  const results = await Promise.all(
    handlers.map((handler) =>
      build({
        ...shared,
        entryPoints: [handler],
        outfile: join(folder, relative('functions', handler).replace(/\.ts$/, '.mjs')),
        target: 'node24',
        alias: { '@aws-sdk/credential-provider-node': './src/adapters/lambda/credentials.ts' },
        minify: true,
        sourcemap: 'linked',
        sourcesContent: false,
        metafile: true,
      }),
    ),
  );
  await buildConsole(join(folder, 'http/console/files'));
  copyDescription(join(folder, 'http/openapi/files'));
  const metafiles = results.map(({ metafile: { inputs, outputs } }) => ({ inputs, outputs: placed(outputs, folder, '.out/functions') }));
  writeFileSync(join(folder, 'meta.json'), JSON.stringify(metafiles));
}

/** The outputs by where they will be. */
const placed = (outputs, from, to) => Object.fromEntries(Object.entries(outputs).map(([file, output]) => [file.replace(from, to), output]));

async function buildClient() {
  await buildFolder('.out/client', clientInto);
}

async function clientInto(folder) {
  const startedAt = new Date();
  await build({
    entryPoints: ['src/client/package-exports.ts'],
    outfile: join(folder, 'index.js'),
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2022',
    logLevel: 'warning',
  });
  await writeClientTypes(join(folder, 'types'));
  stamp(folder, startedAt);
}

/** One declaration per source file, under the same paths; what they import from each other they import by relative paths. */
async function writeClientTypes(folder) {
  // Loaded here: the other builds, and starting the service, do without the compiler.
  const { default: ts } = await import('typescript');
  const { config } = ts.readConfigFile('tsconfig.json', ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: ['src/client/package-exports.ts'] }, ts.sys, '.');
  const emitted = { ...options, noEmit: false, declaration: true, emitDeclarationOnly: true, rootDir: 'src', outDir: folder };
  const program = ts.createProgram(['src/client/package-exports.ts'], emitted);
  const { diagnostics } = program.emit(undefined, (file, text) => {
    const here = relative(folder, dirname(file));
    const plain = text
      .replace(/(["'])#([^"']+)\1/g, (_, quote, path) => `${quote}${fromHere(here, path)}.js${quote}`)
      .replace(/(["'])(\.\.?\/[^"']+)\.ts\1/g, '$1$2.js$1');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, plain);
  });
  if (diagnostics.length > 0) throw new Error(ts.formatDiagnostics(diagnostics, ts.createCompilerHost(emitted)));
}

const fromHere = (folder, path) => {
  const to = relative(folder, path);
  return to.startsWith('.') ? to : `./${to}`;
};

const what = process.argv.slice(2);
const builds = { '--app': buildApp, '--functions': buildFunctions, '--client': buildClient };
if (what.includes('--package')) await buildPackage();
else for (const [flag, built] of Object.entries(builds)) if (what.length === 0 || what.includes(flag)) await built();
