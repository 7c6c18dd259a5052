/**
 * Parameters of Systems Manager and secrets of Secrets Manager. One signed request each: their clients would put more into every
 * bundle than all of Control Hub (decision 14), and the signer is in it already, with DynamoDB.
 */
import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import * as z from 'zod';
import type { ReadSecret } from './secret-reader.ts';

export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface AwsSecretsOptions {
  readonly region: string;
  readonly credentials: () => Promise<AwsCredentials>;
  readonly fetch: typeof fetch;
  readonly now: () => Date;
}

const ANSWER_MS = 5000;

const Parameter = z.object({ Parameter: z.object({ Value: z.string() }) }).transform(({ Parameter: { Value } }) => Value);
const Secret = z.object({ SecretString: z.string() }).transform(({ SecretString }) => SecretString);
const Refused = z.object({ __type: z.string() });
const MISSING: readonly string[] = ['ParameterNotFound', 'ResourceNotFoundException'];

export const ssmSecrets =
  (options: AwsSecretsOptions): ReadSecret =>
  (name) =>
    ask(options, 'ssm', 'AmazonSSM.GetParameter', { Name: name, WithDecryption: true }, Parameter);

export const secretsManagerSecrets =
  (options: AwsSecretsOptions): ReadSecret =>
  (name) =>
    ask(options, 'secretsmanager', 'secretsmanager.GetSecretValue', { SecretId: name }, Secret);

async function ask(
  { region, credentials, fetch, now }: AwsSecretsOptions,
  service: string,
  target: string,
  input: object,
  answer: z.ZodType<string>,
): Promise<string | undefined> {
  if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(region)) throw new Error('AWS_REGION is not set');
  const hostname = `${service}.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  const signer = new SignatureV4({ service, region, credentials, sha256: Sha256 });
  const body = JSON.stringify(input);
  const headers = { host: hostname, 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target };
  const request = { method: 'POST', protocol: 'https:', hostname, path: '/', headers, body };
  const signed = await signer.sign(request, { signingDate: now() });
  const { host: _, ...sent } = signed.headers;
  const response = await fetch(`https://${hostname}/`, { method: 'POST', headers: sent, body, signal: AbortSignal.timeout(ANSWER_MS) });
  const text = await response.text();
  if (response.ok) return answer.parse(parsed(text));
  const refused = Refused.safeParse(parsed(text));
  const type = refused.success ? (refused.data.__type.split('#').at(-1) ?? '') : '';
  if (MISSING.includes(type)) return undefined;
  throw new Error(`${service} answered ${response.status} ${type}`.trim());
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

type Digesting = ReturnType<typeof createHash> | ReturnType<typeof createHmac>;

/** As the signer wants it. */
class Sha256 {
  private hash: Digesting;
  private readonly secret: string | Uint8Array | undefined;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.secret = secret === undefined || typeof secret === 'string' ? secret : bytesOf(secret);
    this.hash = this.fresh();
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.hash.update(typeof data === 'string' ? data : bytesOf(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.hash.digest());
  }

  reset(): void {
    this.hash = this.fresh();
  }

  private fresh(): Digesting {
    return this.secret === undefined ? createHash('sha256') : createHmac('sha256', this.secret);
  }
}

const bytesOf = (data: ArrayBuffer | ArrayBufferView): Uint8Array =>
  ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
