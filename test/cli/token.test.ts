import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { TokenView } from '#contract/tokens';
import { scriptedFetch } from '#test/client/scripted-fetch';
import { startService, type Service } from '#test/support/service';
import { terminal, terminalOf, type Printed } from './terminal.ts';

let service: Service;

beforeEach(async () => {
  service = await startService();
});
afterEach(() => service.close());

const sluice = (...words: readonly string[]): Promise<Printed> => terminalOf(service)(...words);
const by = (token: string, ...words: readonly string[]): Promise<Printed> =>
  terminal({ environment: { SLUICE_URL: service.host.url, SLUICE_TOKEN: token } })(...words);
const listed = async (): Promise<readonly TokenView[]> =>
  JSON.parse((await sluice('token', 'list', '--json')).stdout) as readonly TokenView[];

describe('token create', () => {
  test('prints the token alone, which works at once, and the rest to stderr', async () => {
    const { code, stdout, stderr } = await sluice('token', 'create', 'ci', '--scope', 'runs:read,jobs:report', '--scope', 'runs:write');
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^slc_[0-9A-Z]{26}\.[A-Za-z0-9_-]{43}\n$/)]);
    expect(stderr).toMatch(/^ci is [0-9A-Z]{26}, valid until it is revoked\. Keep the token: it is not shown again\.\n$/);
    expect(stderr).not.toContain(stdout.trim());
    expect((await by(stdout.trim(), 'run', 'list')).code).toBe(0);
    expect(await by(stdout.trim(), 'token', 'list')).toMatchObject({ code: 4, stderr: expect.stringContaining('scope admin') as string });
    const [token] = await listed();
    expect(token).toMatchObject({ name: 'ci', scopes: ['runs:read', 'jobs:report', 'runs:write'], 'created-by': 'local', state: 'active' });
    expect(token?.['last-used-at']).toBeDefined();
    expect(token?.['last-used-from']).toMatch(/127\.0\.0\.1$/);
  });

  test('with --json prints what the API answered, or the named fields of it', async () => {
    const { stdout } = await sluice(
      'token',
      'create',
      'ci',
      '--scope',
      'admin',
      '--expires-in-seconds',
      '3600',
      '--json',
      'name,expires-at',
    );
    const made = JSON.parse(stdout) as TokenView;
    expect(Object.keys(made)).toEqual(['name', 'expires-at']);
    expect(Date.parse(made['expires-at'] ?? '')).toBeGreaterThan(Date.now());
  });

  test.each([
    [['ci'], /--scope is missing; it takes runs:read/],
    [['ci', '--scope', 'root'], /--scope knows no "root"/],
    [['--scope', 'admin'], /NAME is missing/],
    [['ci', '--scope', 'admin', '--expires-in-seconds', '5'], /at least 60/],
    [['ci', '--scope', 'admin', '--expires-at', '2027-01-01'], /expires-at: must be a time in ISO 8601 with its zone/],
    [['local', '--scope', 'admin'], /\/name: stands for the service itself/],
  ])('%j exits 2 and says why', async (words, why) => {
    const { code, stdout, stderr } = await sluice('token', 'create', ...words);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^sluice: no token was made\.\nWhy: /);
    expect(stderr).toMatch(why);
  });

  test('of a taken name exits 2, and says which command shows the names', async () => {
    await sluice('token', 'create', 'ci', '--scope', 'runs:read');
    const { code, stderr } = await sluice('token', 'create', 'CI', '--scope', 'runs:read');
    expect(code).toBe(2);
    expect(stderr).toMatch(/Next: choose another name; sluice token list/);
  });

  test('whose answer does not come is not sent again: the first token would stay behind unseen', async () => {
    const { fetch, asked } = scriptedFetch(new TypeError('fetch failed'));
    expect((await terminal({ fetch })('token', 'create', 'ci', '--scope', 'admin')).code).toBe(70);
    expect(asked).toHaveLength(1);
  });
});

test('token list is a table, newest first, and says where it ends', async () => {
  for (const name of ['one', 'two']) await sluice('token', 'create', name, '--scope', 'runs:read');
  const { stdout } = await sluice('token', 'list');
  const lines = stdout.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^TOKEN +NAME +STATE +SCOPES +EXPIRES +LAST USED +FROM$/);
  expect(lines.slice(1).map((line) => line.split(/ +/)[1])).toEqual(['two', 'one', 'local']);
  const cut = await sluice('token', 'list', '--limit', '2');
  expect(cut.stderr).toBe('Shown: the newest 2; --limit shows more.\n');
  expect(cut.stdout.trimEnd().split('\n')).toHaveLength(3);
});

describe('token revoke', () => {
  test('prints the id, and the token opens nothing any more', async () => {
    const token = (await sluice('token', 'create', 'ci', '--scope', 'runs:read')).stdout.trim();
    const [, id = ''] = /^slc_(\w+)\./.exec(token) ?? [];
    const { code, stdout, stderr } = await sluice('token', 'revoke', id);
    expect([code, stdout]).toEqual([0, `${id}\n`]);
    expect(stderr).toMatch(/^ci was revoked at \S+Z by local\.\n$/);
    expect((await by(token, 'run', 'list')).code).toBe(4);
    expect((await sluice('token', 'revoke', id)).stderr).toBe(stderr);
    expect((await listed()).map(({ name, state }) => [name, state])).toEqual([
      ['ci', 'revoked'],
      ['local', 'active'],
    ]);
  });

  test('of the last administrator exits 2 with what to do, and with --even-if-last does it', async () => {
    const [{ 'token-id': id }] = (await listed()) as readonly [TokenView];
    const refused = await sluice('token', 'revoke', id);
    expect([refused.code, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr).toMatch(/Next: make another token with the scope admin first, or give --even-if-last\./);
    expect((await sluice('token', 'revoke', id, '--even-if-last')).code).toBe(0);
    expect((await sluice('token', 'list')).code).toBe(4);
  });

  test('of an unknown id exits 2', async () => {
    expect(await sluice('token', 'revoke', 'nobody')).toMatchObject({ code: 2, stderr: expect.stringContaining('nobody') as string });
  });

  test('of a whole token sends nothing: its secret would stand in the address', async () => {
    const { fetch, asked } = scriptedFetch({ status: 200, body: {} });
    const { code, stderr } = await terminal({ fetch })('token', 'revoke', service.host.token);
    expect([code, asked]).toEqual([2, []]);
    expect(stderr).not.toContain(service.host.token.split('.')[1]);
  });
});

describe('the token of a local service', () => {
  const file = (): string => join(service.dataDir, 'token');

  test('is that of its first start, and stays that', async () => {
    const { token } = service.host;
    service = await service.restart();
    expect(service.host.token).toBe(token);
    expect(await listed()).toMatchObject([{ name: 'local', state: 'active', 'created-by': 'local' }]);
  });

  test('is made anew where its file was lost, which its owner alone can read; the lost one is revoked', async () => {
    const { token: lost } = service.host;
    rmSync(file());
    service = await service.restart();
    expect(service.host.token).not.toBe(lost);
    expect(readFileSync(file(), 'utf8')).toBe(`${service.host.token}\n`);
    expect(existsSync(file()) && statSync(file()).mode & 0o777).toBe(0o600);
    expect((await by(lost, 'run', 'list')).code).toBe(4);
    expect((await listed()).map(({ state }) => state)).toEqual(['active', 'revoked']);
  });

  test('is made anew at the next start where it was revoked', async () => {
    const { token: revoked } = service.host;
    const [{ 'token-id': id }] = (await listed()) as readonly [TokenView];
    await sluice('token', 'revoke', id, '--even-if-last');
    service = await service.restart();
    expect(service.host.token).not.toBe(revoked);
    expect((await sluice('token', 'list')).code).toBe(0);
  });

  test('is the only way to administer it: no state machine can invoke what makes administrators', async () => {
    const { invokedAdmin } = await invoking(service);
    expect(invokedAdmin).toContain('FAILED');
    expect(invokedAdmin).not.toContain('slc_');
    expect((await listed()).map(({ name }) => name)).toEqual(['local']);
  });
});

/** By the Step Functions endpoint, which asks for no token. */
async function invoking({ host }: Service): Promise<{ readonly invokedAdmin: string }> {
  const call = async (operation: string, body: object): Promise<Record<string, string>> => {
    const response = await fetch(host.stepFunctionsEndpoint, {
      method: 'POST',
      headers: { 'x-amz-target': `AWSStepFunctions.${operation}`, 'content-type': 'application/x-amz-json-1.0' },
      body: JSON.stringify(body),
    });
    return (await response.json()) as Record<string, string>;
  };
  const definition = {
    QueryLanguage: 'JSONata',
    StartAt: 'Make',
    States: {
      Make: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke',
        Arguments: {
          FunctionName: 'arn:aws:lambda:local:000000000000:function:sluice-local-createAdminToken',
          Payload: { name: 'mallory' },
        },
        End: true,
      },
    },
  };
  const roleArn = 'arn:aws:iam::000000000000:role/any';
  const { stateMachineArn } = await call('CreateStateMachine', { name: 'mallory', definition: JSON.stringify(definition), roleArn });
  const { executionArn } = await call('StartExecution', { stateMachineArn, input: '{}' });
  for (;;) {
    const execution = await call('DescribeExecution', { executionArn });
    if (execution['status'] !== 'RUNNING') return { invokedAdmin: JSON.stringify(execution) };
  }
}
