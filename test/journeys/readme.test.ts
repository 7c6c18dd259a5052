import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** What the README shows, run as it stands there; a difference is a fault of the README or of the product. */
const readme = readFileSync('README.md', 'utf8');

interface Block {
  readonly language: string;
  readonly text: string;
}

const blocks: readonly Block[] = [...readme.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
  language,
  text,
}));

interface Shown {
  readonly command: string;
  readonly output: readonly string[];
}

/** A console block: commands after `$ `, continued by a backslash or inside a quote, each with the output under it. */
const shown: readonly Shown[] = blocks
  .filter(({ language }) => language === 'console')
  .flatMap(({ text }) => text.split(/^\$ /m).slice(1))
  .map((part) => {
    const lines = part.trimEnd().split('\n');
    const end = lines.findIndex((_, index) => isComplete(lines.slice(0, index + 1).join('\n')));
    return { command: lines.slice(0, end + 1).join('\n'), output: lines.slice(end + 1) };
  });

function isComplete(command: string): boolean {
  return !command.endsWith('\\') && (command.match(/'/g) ?? []).length % 2 === 0;
}

/** Shown times are of one run, and `…` stands for what differs from run to run. */
function pattern(line: string): RegExp {
  const escaped = line.trim().replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  const spaced = escaped.replaceAll(/ +/g, ' +');
  return new RegExp(spaced.replaceAll('…', '.*').replaceAll(/\d+\\\.\d\d \+s/g, String.raw`\d+\.\d\d +s`));
}

function expectLines(actual: string, wanted: readonly string[]): void {
  for (const line of wanted) expect(actual).toMatch(pattern(line));
}

let dataDir: string;
let service: ChildProcess;
let url: string;
const environment = (): NodeJS.ProcessEnv => ({ ...process.env, SLUICE_URL: url, SLUICE_DATA_DIR: dataDir });

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'sluice-readme-'));
  // Every way to start that it shows, in one service.
  const flags = [...readme.matchAll(/^npm start -- (.*)$/gm)].flatMap(([, words = '']) => words.split(' '));
  const args = ['.out/app/src/hosts/local/main.js', ...flags, '--port', '0', '--data-dir', dataDir];
  service = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  url = await new Promise<string>((resolve) => {
    service.stdout?.on('data', (text: Buffer) => {
      const [, found] = /listens on (\S+)/.exec(text.toString()) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
});

afterAll(async () => {
  const gone = new Promise((resolve) => service.once('exit', resolve));
  service.kill('SIGTERM');
  await gone;
  rmSync(dataDir, { recursive: true, force: true });
});

/** A variable that a command sets is set for those after it, as in the one shell of whoever follows the page. */
const variables = new Map<string, string>();

async function run(command: string): Promise<{ readonly code: number; readonly stdout: string }> {
  const asHere = command.replaceAll('http://127.0.0.1:8888', url);
  const [, name, value] = /^([A-Z]+)="(\$\(.*\))"$/s.exec(asHere) ?? [];
  if (name !== undefined) {
    const { code, stdout } = await run(`printf %s "${value ?? ''}"`);
    variables.set(name, stdout);
    return { code: stdout === '' ? 1 : code, stdout: '' };
  }
  try {
    const { stdout } = await promisify(execFile)('bash', ['-c', asHere], { env: { ...environment(), ...Object.fromEntries(variables) } });
    return { code: 0, stdout };
  } catch (error) {
    const { code, stdout } = error as { readonly code: number; readonly stdout: string };
    return { code, stdout };
  }
}

describe('the README', () => {
  test('shows commands', () => {
    expect(shown.length).toBeGreaterThanOrEqual(5);
  });

  test.each(shown.map(({ command, output }, index) => [index, command, output] as const))(
    'command %i does what is shown: %s',
    async (_, command, output) => {
      const { code, stdout } = await run(command);
      expectLines(stdout, output);
      // The run with the missing file exits 1, as the text under it says.
      expect(code).toBe(command.includes('--wait') ? 1 : 0);
    },
  );

  test('shows the problem document that its example is answered', async () => {
    const problem = JSON.parse(blocks.find(({ language }) => language === 'json')?.text ?? '') as unknown;
    const response = await fetch(`${url}/v1/runs`, {
      method: 'POST',
      headers: { authorization: `Bearer ${readFileSync(join(dataDir, 'token'), 'utf8').trim()}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        'user-id': 'ada',
        'user-run-id': 'wrong',
        'source-type': 'csv',
        'target-type': 'parquet',
        'runtime-parameters': [{ SOURCE_PATH: 'airports.csv', LOADED_BY: 'me' }],
      }),
    });
    expect(await response.json()).toEqual(problem);
  });

  test('shows a template that can be registered', async () => {
    const file = join(dataDir, 'template.yaml');
    writeFileSync(file, blocks.find(({ language }) => language === 'yaml')?.text ?? '');
    const { code, stdout } = await run(`npx sluice catalog apply ${file}`);
    expect(code).toBe(0);
    expect(stdout).toMatch(/(created|changed) +template +tmpl_csv-to-parquet/);
  });

  test('shows the table that the demo prints', async () => {
    const table =
      blocks
        .find(({ text }) => text.startsWith('SET'))
        ?.text.trimEnd()
        .split('\n') ?? [];
    expect(table.length).toBeGreaterThan(2);
    const { stdout } = await promisify(execFile)(process.execPath, ['.out/app/scripts/demo.js']);
    expectLines(stdout, table);
  });
});
