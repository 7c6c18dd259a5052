/** The import rules bite: each is broken once, in text that stands where the rule holds, and ESLint says so in the rule's own words. */
import { ESLint, type Linter } from 'eslint';
import { beforeAll, describe, expect, test } from 'vitest';

const BOUNDARIES: readonly string[] = ['no-restricted-imports', 'no-restricted-properties', 'no-restricted-syntax'];

/** Rules that need no types are asked alone: a virtual file belongs to no TypeScript project. */
let untyped: ESLint;
/** All rules, for the planted files that exist. */
let typed: ESLint;

beforeAll(() => {
  untyped = new ESLint({
    ruleFilter: ({ ruleId }) => BOUNDARIES.includes(ruleId),
    overrideConfig: { languageOptions: { parserOptions: { projectService: false, project: null } } },
  });
  typed = new ESLint({
    ignore: false,
    ruleFilter: ({ ruleId }) => ruleId === '@typescript-eslint/switch-exhaustiveness-check' || BOUNDARIES.includes(ruleId),
  });
});

async function complaints(filePath: string, text: string): Promise<readonly Linter.LintMessage[]> {
  const [result] = await untyped.lintText(text, { filePath });
  if (!result) throw new Error(`${filePath} is ignored`);
  return result.messages;
}

const layer = (folder: string): string => `${folder} may not depend on this`;
const ACROSS = 'Across folders, import #layer/…';
const CLOCK = 'Time comes in through the Clock port.';

describe('a broken rule is told', () => {
  test.each<readonly [string, string, string, string]>([
    ['zod in the domain', 'src/domain/x.ts', "import * as z from 'zod';", layer('src/domain')],
    ['Node in the domain', 'src/domain/x.ts', "import { createHash } from 'node:crypto';", layer('src/domain')],
    ['an adapter in the domain', 'src/domain/x.ts', "import { keys } from '#adapters/dynamodb/keys';", layer('src/domain')],
    ['operations in the domain', 'src/domain/x.ts', "import type { Ports } from '#operations/ports';", layer('src/domain')],
    ['a contract in the domain', 'src/domain/x.ts', "import { RunView } from '#contract/views';", layer('src/domain')],
    ['an SDK in an operation', 'src/operations/x.ts', "import { SFNClient } from '@aws-sdk/client-sfn';", layer('src/operations')],
    ['a contract in an operation', 'src/operations/x.ts', "import { RunView } from '#contract/views';", layer('src/operations')],
    ['an adapter in an operation', 'src/operations/x.ts', "import { keys } from '#adapters/dynamodb/keys';", layer('src/operations')],
    ['Node in an operation', 'src/operations/x.ts', "import { readFileSync } from 'node:fs';", layer('src/operations')],
    ['operations in a contract', 'src/contract/x.ts', "import type { Ports } from '#operations/ports';", layer('src/contract')],
    [
      'an adapter in another adapter',
      'src/adapters/engines/x.ts',
      "import { keys } from '#adapters/dynamodb/keys';",
      layer('src/adapters'),
    ],
    ['a host in an adapter', 'src/adapters/dynamodb/x.ts', "import { ports } from '#hosts/wiring';", layer('src/adapters')],
    [
      'an adapter in the Lambda host',
      'src/hosts/lambda/x.ts',
      "import { keys } from '#adapters/dynamodb/keys';",
      layer('src/hosts/lambda'),
    ],
    ['an adapter in the local host', 'src/hosts/local/x.ts', "import { keys } from '#adapters/dynamodb/keys';", layer('src/hosts/local')],
    ['an SDK in the local host', 'src/hosts/local/x.ts', "import { SFNClient } from '@aws-sdk/client-sfn';", layer('src/hosts/local')],
    ['an adapter in a function', 'functions/http/x/handler.ts', "import { keys } from '#adapters/dynamodb/keys';", layer('functions')],
    ['an SDK in a function', 'functions/task/x/handler.ts', "import { SFNClient } from '@aws-sdk/client-sfn';", layer('functions')],
    ['middleware in a function', 'functions/task/x/handler.ts', "import middy from '@middy/core';", layer('functions')],
    ['a host in the API’s description', 'src/openapi/x.ts', "import { route } from '#hosts/lambda/http';", layer('src/openapi')],
    [
      'the API’s description in a function',
      'functions/http/x/handler.ts',
      "import { openApiDocument } from '#openapi/document';",
      layer('functions'),
    ],
    ['operations in the client', 'src/client/x.ts', "import type { Ports } from '#operations/ports';", layer('src/client')],
    ['the domain in the command line', 'src/cli/x.ts', "import { runId } from '#domain/ids';", layer('src/cli')],
    [
      'the simulator itself in the command line',
      'src/cli/x.ts',
      "import { hub } from '#hosts/control-hub-simulator/hub';",
      layer('src/cli'),
    ],
    [
      'a contract of ours in the simulator',
      'src/hosts/control-hub-simulator/x.ts',
      "import { RunView } from '#contract/views';",
      layer('src/hosts/control-hub-simulator'),
    ],
    [
      'another host in the simulator',
      'src/hosts/control-hub-simulator/x.ts',
      "import { hostClock } from '#hosts/local/host-clock';",
      layer('src/hosts/control-hub-simulator'),
    ],
    ['the wall clock in the simulator', 'src/hosts/control-hub-simulator/x.ts', 'export const now = Date.now();', CLOCK],
    ['the domain in the console', 'src/console/x.ts', "import { runId } from '#domain/ids';", layer('src/console')],
    ['Node in the console', 'src/console/x.ts', "import { readFileSync } from 'node:fs';", layer('src/console')],
    ['the wall clock in the console', 'src/console/x.ts', 'export const now = Date.now();', CLOCK],
    ['a client in the wiring', 'src/hosts/wiring.ts', "import { client } from '#client/x';", 'Wiring serves the hosts.'],
    ['a way up', 'src/domain/x.ts', "import { ids } from '../domain/ids.ts';", ACROSS],
    ['a way up in a function', 'functions/http/x/handler.ts', "import { ids } from '../../../src/domain/ids.ts';", ACROSS],
    ['a way up in a test', 'test/domain/x.test.ts', "import { aRun } from '../domain/builders.ts';", ACROSS],
    ['the named z', 'src/contract/x.ts', "import { z } from 'zod';", 'adds 350 kB per Lambda'],
    ['a default export', 'src/operations/x.ts', 'export default 1;', 'Exports have names'],
    ['a barrel', 'src/contract/x.ts', "export * from './views.ts';", 'No barrel files'],
    ['the wall clock', 'src/operations/x.ts', 'export const now = Date.now();', CLOCK],
    ['the wall clock as a date', 'src/domain/x.ts', 'export const now = new Date();', CLOCK],
    ['the wall clock in a function', 'functions/http/x/handler.ts', 'export const now = Date.now();', CLOCK],
    ['the environment', 'src/adapters/dynamodb/x.ts', "export const table = process.env['TABLE'];", 'The environment is read once'],
    [
      'the environment in the Lambda host',
      'src/hosts/lambda/x.ts',
      "export const table = process.env['TABLE'];",
      'The environment is read once',
    ],
    ['chance', 'src/domain/x.ts', 'export const chance = Math.random();', 'Randomness comes in as an argument.'],
    ['a mock', 'test/domain/x.test.ts', "import { vi } from 'vitest';\nvi.mock('#domain/ids');", 'Mock nothing we own'],
  ])('%s', async (_, filePath, text, told) => {
    const messages = await complaints(filePath, text);
    expect(messages.map(({ message }) => message).join('; ')).toContain(told);
    expect(messages.every(({ severity, fatal }) => severity === 2 && fatal !== true)).toBe(true);
  });
});

describe('what the rules allow is not complained about', () => {
  test.each([
    ['src/domain/x.ts', "import { runId } from './ids.ts';\nexport const at = new Date(0);"],
    ['src/operations/x.ts', "import { runId } from '#domain/ids';\nimport type { Ports } from './ports.ts';"],
    ['src/contract/x.ts', "import * as z from 'zod';\nimport { runId } from '#domain/ids';"],
    [
      'src/adapters/dynamodb/x.ts',
      "import { SFNClient } from '@aws-sdk/client-sfn';\nimport type { Ports } from '#operations/ports';\nimport { V } from '#contract/views';",
    ],
    ['src/adapters/dynamodb/x.ts', "import type { Checkpoint } from '#hosts/local/step-functions/ports';"],
    ['src/hosts/lambda/x.ts', "import middy from '@middy/core';\nimport { ports } from '#hosts/wiring';"],
    ['src/hosts/wiring.ts', "import { keys } from '#adapters/dynamodb/keys';\nexport const now = Date.now();"],
    ['functions/http/x/handler.ts', "import { ports } from '#hosts/wiring';\nimport { startRun } from '#operations/start-run';"],
    ['src/contract/x.ts', "import type { ZodType } from 'zod';"],
    ['src/hosts/control-hub-simulator/routes/x.ts', "import type { Hub } from '#hosts/control-hub-simulator/hub';"],
    ['src/hosts/control-hub-simulator/main.ts', 'export const now = Date.now();'],
    ['src/cli/x.ts', "import { serveControlHubSimulator } from '#hosts/control-hub-simulator/main';"],
  ])('%s: %s', async (filePath, text) => {
    expect((await complaints(filePath, text)).map(({ message }) => message)).toEqual([]);
  });
});

test('a switch that forgets a case is told, by the types of the domain', async () => {
  const [result] = await typed.lintFiles(['test/architecture/planted/forgotten-case.ts']);
  expect(result?.messages.map(({ ruleId, message }) => `${String(ruleId)}: ${message}`)).toEqual([
    '@typescript-eslint/switch-exhaustiveness-check: Switch is not exhaustive. Cases not matched: "aborted"',
  ]);
});
