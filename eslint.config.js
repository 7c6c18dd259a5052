import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

const AWS = '@aws-sdk/|@middy/|aws-lambda$';

const acrossFolders = { regex: String.raw`^\.\./`, message: 'Across folders, import #layer/…; ./ stays inside one folder.' };

/**
 * Who may import whom (docs/architecture.md). Patterns are `regex` on purpose: in a `group` glob a leading `#` is a comment,
 * so '#adapters/*' would silently forbid nothing. A later block replaces an earlier one for the same file.
 */
const layer = (folder, forbidden) => ({
  files: [`${folder}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      { patterns: [acrossFolders, { regex: `^(${forbidden})`, message: `${folder} may not depend on this: docs/architecture.md.` }] },
    ],
  },
});

const IMPURE = [
  { object: 'process', property: 'env', message: 'The environment is read once, by the configuration of a host.' },
  { object: 'Date', property: 'now', message: 'Time comes in through the Clock port.' },
  { object: 'Math', property: 'random', message: 'Randomness comes in as an argument.' },
];

const SYNTAX = [
  {
    selector: "ImportDeclaration[source.value='zod'][importKind!='type'] > ImportSpecifier",
    message: "import * as z from 'zod': the named `z` cannot be tree-shaken and adds 350 kB per Lambda.",
  },
  { selector: 'ExportDefaultDeclaration', message: 'Exports have names, so that one search finds every use.' },
  { selector: 'ExportAllDeclaration', message: 'No barrel files: import from where a thing is.' },
];

const CLOCK_SYNTAX = {
  selector: "NewExpression[callee.name='Date'][arguments.length=0]",
  message: 'Time comes in through the Clock port.',
};

export default tseslint.config(
  { ignores: ['eslint.config.js', 'bin/**', 'scripts/*.js', '.out/**', 'node_modules/**', 'test/architecture/planted/**'] },
  eslint.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      'no-restricted-syntax': ['error', ...SYNTAX],
      'no-restricted-imports': ['error', { patterns: [acrossFolders] }],
    },
  },
  {
    files: ['src/**/*.ts', 'functions/**/*.ts'],
    ignores: [
      'src/hosts/wiring.ts',
      'src/hosts/configuration.ts',
      'src/hosts/local/**',
      'src/hosts/control-hub-simulator/main.ts',
      'src/cli/**',
      'src/console/main.ts',
    ],
    rules: {
      'no-restricted-properties': ['error', ...IMPURE],
      'no-restricted-syntax': ['error', ...SYNTAX, CLOCK_SYNTAX],
    },
  },
  layer('src/domain', `${AWS}|node:|zod|#(?!domain/)`),
  layer('src/contract', `${AWS}|node:|#(?!domain/|contract/)`),
  layer('src/operations', `${AWS}|node:|zod|#(?!domain/|operations/)`),
  // The embedded Step Functions names its own store (ports.ts); DynamoDB holds it like everything else.
  layer('src/adapters', '@middy/|aws-lambda$|#(adapters|client|cli|console|openapi)/|#hosts/(?!local/step-functions/ports$)'),
  layer('src/hosts', '@aws-sdk/|#(adapters|client|cli|console|openapi)/'),
  layer('src/hosts/lambda', '@aws-sdk/|#(adapters|client|cli|console|openapi)/'),
  layer('src/hosts/local', '@aws-sdk/|@middy/|#(adapters|client|cli|console|openapi)/'),
  // What it simulates is not ours, so nothing of ours may help it.
  layer('src/hosts/control-hub-simulator', `${AWS}|#(?!hosts/control-hub-simulator/)`),
  layer('functions', '@aws-sdk/|@middy/|#(adapters|client|cli|console|openapi)/'),
  layer('src/client', `${AWS}|node:|#(?!contract/|client/)`),
  layer('src/cli', `${AWS}|#(?!client/|contract/|hosts/local/|hosts/control-hub-simulator/main$|cli/)`),
  // Written once at build time: nothing that runs may need it.
  layer('src/openapi', `${AWS}|node:|#(?!domain/|contract/|openapi/)`),
  layer('src/console', `${AWS}|node:|#(?!client/|contract/|console/)`),
  {
    files: ['src/hosts/wiring.ts', 'src/hosts/wiring-local.ts', 'src/hosts/wiring-control-hub.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [acrossFolders, { regex: '^#(client|cli|console|openapi)/', message: 'Wiring serves the hosts.' }] },
      ],
    },
  },
  {
    files: ['vitest.config.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'vi', property: 'mock', message: 'Mock nothing we own: a fake stands behind a port and passes its suite.' },
      ],
    },
  },
);
