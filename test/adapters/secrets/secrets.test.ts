import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { secretsManagerSecrets, ssmSecrets, type AwsSecretsOptions } from '#adapters/secrets/aws-secrets';
import { environmentSecrets, fileSecrets } from '#adapters/secrets/environment-secrets';
import { secretReader, type ReadSecret, type SecretReaderOptions } from '#adapters/secrets/secret-reader';

const never: ReadSecret = () => Promise.reject(new Error('not asked in this test'));

function reader(kinds: Partial<SecretReaderOptions['kinds']>): {
  readonly secrets: ReturnType<typeof secretReader>;
  readonly advance: (seconds: number) => void;
} {
  let nowMs = 0;
  const secrets = secretReader({
    kinds: { env: never, file: never, ssm: never, secretsmanager: never, ...kinds },
    nowMs: () => nowMs,
    rememberedMs: 60_000,
  });
  return {
    secrets,
    advance(seconds) {
      nowMs += seconds * 1000;
    },
  };
}

describe('a secret', () => {
  test('is read from the environment or a file, without the line break at its end', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'sluice-secret-'));
    const file = path.join(folder, 'token');
    writeFileSync(file, 's3cret\n');
    chmodSync(file, 0o600);
    const { secrets } = reader({ env: environmentSecrets({ TOKEN: ' t ' }), file: fileSecrets });
    expect(await secrets.resolve('env:TOKEN')).toBe('t');
    expect(await secrets.resolve(`file:${file}`)).toBe('s3cret');
    await expect(secrets.resolve(`file:${folder}/none`)).rejects.toThrow(`the secret file:${folder}/none is not set`);
    await expect(secrets.resolve(`file:${folder}`)).rejects.toThrow('EISDIR');
    await expect(secrets.resolve('env:NONE')).rejects.toThrow('the secret env:NONE is not set');
    rmSync(folder, { recursive: true });
  });

  test('is read once by all who need it together, and again after a while or when it is asked for anew', async () => {
    let reads = 0;
    const { secrets, advance } = reader({ env: () => Promise.resolve(`value ${(reads += 1)}`) });
    expect(await Promise.all([secrets.resolve('env:A'), secrets.resolve('env:A')])).toEqual(['value 1', 'value 1']);
    advance(59);
    expect(await secrets.resolve('env:A')).toBe('value 1');
    advance(1);
    expect(await secrets.resolve('env:A')).toBe('value 2');
    expect(await secrets.renew('env:A')).toBe('value 3');
    expect(await secrets.resolve('env:A')).toBe('value 3');
  });

  test('that could not be read is asked for again by the next', async () => {
    let reads = 0;
    const { secrets } = reader({ env: () => ((reads += 1) === 1 ? Promise.reject(new Error('busy')) : Promise.resolve('v')) });
    await expect(secrets.resolve('env:A')).rejects.toThrow('the secret env:A cannot be read: busy');
    expect(await secrets.resolve('env:A')).toBe('v');
  });

  test.each(['CANARY', 'CANARY:x', 'vault:CANARY', 'env:', ''])('given as %s is refused, and not repeated', async (reference) => {
    const { secrets } = reader({});
    const error = await secrets.resolve(reference).catch((caught: unknown) => caught);
    expect(String(error)).toContain('env:…, file:…, ssm:…, secretsmanager:…');
    expect(String(error)).not.toContain('CANARY');
  });
});

describe('a secret on AWS', () => {
  const asked: Request[] = [];
  const options = (answer: Response): AwsSecretsOptions => ({
    region: 'eu-west-1',
    credentials: () => Promise.resolve({ accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'CANARY-KEY', sessionToken: 'session' }),
    fetch: (input, init) => {
      asked.push(new Request(input, init));
      return Promise.resolve(answer);
    },
    now: () => new Date('2026-11-21T08:00:00Z'),
  });
  const json = (body: unknown, status = 200): Response => new Response(JSON.stringify(body), { status });
  const last = async (): Promise<readonly unknown[]> => {
    const request = asked.at(-1);
    return [request?.url, request?.headers.get('x-amz-target'), JSON.parse((await request?.text()) ?? '') as unknown];
  };

  test('is a parameter of Systems Manager, decrypted', async () => {
    expect(await ssmSecrets(options(json({ Parameter: { Value: 'v' } })))('/sluice/token')).toBe('v');
    expect(await last()).toEqual([
      'https://ssm.eu-west-1.amazonaws.com/',
      'AmazonSSM.GetParameter',
      { Name: '/sluice/token', WithDecryption: true },
    ]);
  });

  test('is a string of Secrets Manager', async () => {
    expect(await secretsManagerSecrets(options(json({ SecretString: 'v' })))('token')).toBe('v');
    expect(await last()).toEqual([
      'https://secretsmanager.eu-west-1.amazonaws.com/',
      'secretsmanager.GetSecretValue',
      { SecretId: 'token' },
    ]);
  });

  test('is asked for with a signature of that moment, region and service, and without the key', async () => {
    await ssmSecrets(options(json({ Parameter: { Value: 'v' } })))('a');
    const headers = Object.fromEntries(asked.at(-1)?.headers.entries() ?? []);
    expect(headers['authorization']).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/20261121\/eu-west-1\/ssm\/aws4_request, SignedHeaders=[a-z0-9;-]*host[a-z0-9;-]*, Signature=[0-9a-f]{64}$/,
    );
    expect(headers).toMatchObject({ 'x-amz-date': '20261121T080000Z', 'x-amz-security-token': 'session' });
    expect(JSON.stringify(headers)).not.toContain('CANARY');
  });

  test('that is not there is none; what AWS refuses otherwise is told by its name', async () => {
    expect(await ssmSecrets(options(json({ __type: 'ParameterNotFound' }, 400)))('a')).toBeUndefined();
    expect(await secretsManagerSecrets(options(json({ __type: 'x#ResourceNotFoundException' }, 400)))('a')).toBeUndefined();
    await expect(ssmSecrets(options(json({ __type: 'AccessDeniedException' }, 400)))('a')).rejects.toThrow(
      'ssm answered 400 AccessDeniedException',
    );
    await expect(ssmSecrets(options(new Response('<html>', { status: 502 })))('a')).rejects.toThrow('ssm answered 502');
    await expect(ssmSecrets({ ...options(json({})), region: 'local' })('a')).rejects.toThrow('AWS_REGION is not set');
  });
});
