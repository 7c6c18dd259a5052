/**
 * The few requests to S3 that archives need, signed by the SDK's own signer. The SDK's client for S3 would be the larger part of
 * the bundle that it is in (decision 18).
 */
import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import { Fault } from '#domain/faults';
import { epochMs, type Instant } from '#domain/ids';

export interface S3Options {
  readonly bucket: string;
  readonly region: string;
  /** Of the SDK: what its clients sign with. */
  readonly credentials: () => Promise<{ readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }>;
  /** Instead of AWS; the bucket is then the first part of the path. */
  readonly endpoint?: string;
  readonly now: () => Instant;
  readonly pause: (milliseconds: number) => Promise<void>;
  readonly fetch: typeof fetch;
}

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  /** Absent for requests about the bucket. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface S3Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** 2xx and 404 come back. `ArchiveRefused` for what asking again does not change, `ArchiveUnavailable` after four tries. */
export type AskS3 = (request: S3Request) => Promise<S3Reply>;

const PAUSES_MS = [100, 400, 1600];
const ANSWER_WITHIN_MS = 10_000;

export function s3Requests(options: S3Options): AskS3 {
  const { region, credentials } = options;
  // The path of an object is encoded once, by us: S3 alone does not encode it again.
  const signer = new SignatureV4({ service: 's3', region, credentials, sha256: Sha256, uriEscapePath: false, applyChecksum: true });
  return async (request) => {
    for (let tried = 0; ; tried += 1) {
      const reply = await sent(options, signer, request);
      const pauseMs = PAUSES_MS[tried];
      if (reply instanceof Error || reply.status >= 500 || reply.status === 429) {
        if (pauseMs === undefined) throw unavailable(options.bucket, reply);
        await options.pause(pauseMs);
      } else if (reply.status < 300 || reply.status === 404) {
        return reply;
      } else throw refusedBy(options.bucket, reply);
    }
  };
}

async function sent(
  { bucket, region, endpoint, now, fetch }: S3Options,
  signer: SignatureV4,
  { method, key, query = {}, headers = {}, body }: S3Request,
): Promise<S3Reply | Error> {
  const { origin, path } = addressOf(bucket, region, endpoint);
  const { protocol, hostname, port, host } = new URL(origin);
  const full = `${path}/${key === undefined ? '' : key.split('/').map(encoded).join('/')}`;
  const signed = await signer.sign(
    {
      method,
      protocol,
      hostname,
      ...(port === '' ? {} : { port: Number(port) }),
      path: full,
      query: { ...query },
      headers: { host, ...headers },
      ...(body === undefined ? {} : { body }),
    },
    { signingDate: new Date(epochMs(now())) },
  );
  const asked = Object.entries(query).map(([name, value]) => `${encoded(name)}=${encoded(value)}`);
  // `fetch` sets the host by itself, as it was signed.
  const { host: _host, ...sentHeaders } = signed.headers;
  try {
    const response = await fetch(`${origin}${full}${asked.length === 0 ? '' : `?${asked.join('&')}`}`, {
      method,
      headers: sentHeaders,
      redirect: 'manual',
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** With the bucket in the name of the host, as AWS wants it; its certificates do not fit names with dots. */
function addressOf(bucket: string, region: string, endpoint: string | undefined): { readonly origin: string; readonly path: string } {
  if (endpoint !== undefined) return { origin: new URL(endpoint).origin, path: `/${bucket}` };
  const domain = `s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  return bucket.includes('.') ? { origin: `https://${domain}`, path: `/${bucket}` } : { origin: `https://${bucket}.${domain}`, path: '' };
}

/** RFC 3986, as the signature has it. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

function unavailable(bucket: string, reply: S3Reply | Error): Fault {
  const what = reply instanceof Error ? 'did not answer' : `answered ${reply.status}`;
  return new Fault('ArchiveUnavailable', `the bucket ${bucket} ${what}`, reply instanceof Error ? { cause: reply } : {});
}

/** The code alone: what else S3 says names keys and accounts. */
function refusedBy(bucket: string, { status, text }: S3Reply): Fault {
  const [, code = 'no code'] = /<Code>(\w{1,64})<\/Code>/.exec(text) ?? [];
  return new Fault('ArchiveRefused', `the bucket ${bucket} answered ${status} (${code})`);
}

/** What the signer hashes with. */
class Sha256 {
  private readonly hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.hash = secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.hash.update(bytesOf(data));
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.hash.digest());
  }

  reset(): void {
    throw new Error('a hash is used once');
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Buffer {
  if (typeof data === 'string') return Buffer.from(data);
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data);
}
