/**
 * A bucket behind the part of S3's REST API that archives use: pages, encoded keys, removing many at once, checksums. It computes
 * every signature by itself and answers 403 where the one that came is another.
 */
import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export const SECRET_KEY = 'secret+key/of=tests';
export const CREDENTIALS = { accessKeyId: 'AKIATEST', secretAccessKey: SECRET_KEY, sessionToken: 'session//token==' };

interface Scripted {
  readonly status: number;
  readonly body?: string;
  /** The connection is cut instead. */
  readonly cut?: true;
}

export interface FakeS3 {
  readonly endpoint: string;
  readonly bucket: string;
  readonly objects: Map<string, Buffer>;
  /** `METHOD path?query` of every request. */
  readonly asked: readonly string[];
  /** Answers the next requests instead. */
  script(...answers: readonly Scripted[]): void;
  /** Keys whose removal is answered by this code. */
  readonly held: Map<string, string>;
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function startFakeS3({ pageSize = 3 } = {}): Promise<FakeS3> {
  const bucket = 'archives.of-tests';
  const objects = new Map<string, Buffer>();
  const held = new Map<string, string>();
  const asked: string[] = [];
  const scripted: Scripted[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const body = await read(request);
      asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
      const next = scripted.shift();
      if (next?.cut) {
        request.socket.destroy();
        return;
      }
      const reply =
        next ??
        (isSigned(request, body) ? answered({ bucket, objects, held, pageSize }, request, body) : error(403, 'SignatureDoesNotMatch'));
      response.writeHead(reply.status, 'headers' in reply ? reply.headers : {});
      response.end(reply.body ?? '');
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    bucket,
    objects,
    held,
    asked,
    script: (...answers) => void scripted.push(...answers),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

const error = (status: number, code: string): Reply => ({
  status,
  body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>of tests</Message></Error>`,
});

interface State extends Pick<FakeS3, 'bucket' | 'objects' | 'held'> {
  readonly pageSize: number;
}

function answered(state: State, request: IncomingMessage, body: Buffer): Reply {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const parameters = new Map(query.split('&').map((pair) => pair.split('=').map(decodeURIComponent) as [string, string]));
  const [, bucket = '', ...rest] = path.split('/');
  if (decodeURIComponent(bucket) !== state.bucket) return error(404, 'NoSuchBucket');
  const key = rest.map(decodeURIComponent).join('/');
  if (request.method === 'GET' && parameters.get('list-type') === '2') return listed(state, parameters);
  if (request.method === 'POST' && parameters.has('delete')) return removed(state, request, body);
  if (request.method === 'DELETE') {
    state.objects.delete(key);
    return { status: 204 };
  }
  if (request.method === 'HEAD') {
    const object = state.objects.get(key);
    if (!object) return { status: 404 };
    const checksum = createHash('sha256').update(object).digest('base64');
    // As S3: told only to those who ask, and of uploads in parts not that of the whole.
    const told = request.headers['x-amz-checksum-mode'] === 'ENABLED' && !key.endsWith('.parts');
    const composite = key.endsWith('.parts') ? { 'x-amz-checksum-sha256': `${checksum}-2` } : {};
    return { status: 200, headers: { etag: etag(object), ...composite, ...(told ? { 'x-amz-checksum-sha256': checksum } : {}) } };
  }
  return error(405, 'MethodNotAllowed');
}

const etag = (object: Buffer): string => `"${createHash('md5').update(object).digest('hex')}"`;
/** Spaces as S3 writes them. */
const encodedKey = (key: string): string => encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/');

function listed({ objects, pageSize }: State, parameters: ReadonlyMap<string, string>): Reply {
  const prefix = parameters.get('prefix') ?? '';
  const after = Buffer.from(parameters.get('continuation-token') ?? '', 'base64').toString();
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).toSorted();
  const page = keys.slice(0, pageSize);
  const contents = page.map((key) => {
    const object = objects.get(key) ?? Buffer.alloc(0);
    return `<Contents><Key>${encodedKey(key)}</Key><LastModified>2026-01-01T00:00:05.000Z</LastModified><ETag>${etag(object).replaceAll('"', '&quot;')}</ETag><Size>${object.length}</Size></Contents>`;
  });
  const more = keys.length > page.length;
  const token = more ? `<NextContinuationToken>${Buffer.from(page.at(-1) ?? '').toString('base64')}</NextContinuationToken>` : '';
  return {
    status: 200,
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>${encodedKey(prefix)}</Prefix><IsTruncated>${String(more)}</IsTruncated>${token}${contents.join('')}</ListBucketResult>`,
  };
}

const ENTITIES: Readonly<Record<string, string>> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&#13;': '\r', '&#10;': '\n', '&#9;': '\t' };

function removed({ objects, held }: State, request: IncomingMessage, body: Buffer): Reply {
  if (request.headers['x-amz-checksum-sha256'] !== createHash('sha256').update(body).digest('base64')) return error(400, 'InvalidRequest');
  const keys = [...body.toString().matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) =>
    key.replaceAll(/&#?\w+;/g, (entity) => ENTITIES[entity] ?? entity),
  );
  const failed = keys.flatMap((key) => {
    const code = held.get(key);
    if (code === undefined) objects.delete(key);
    return code === undefined ? [] : [`<Error><Key>k</Key><Code>${code}</Code></Error>`];
  });
  return {
    status: 200,
    body: `<?xml version="1.0"?><DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${failed.join('')}</DeleteResult>`,
  };
}

/** Signature Version 4, from its documentation, for requests whose path and query are encoded as they are to be signed. */
function isSigned(request: IncomingMessage, body: Buffer): boolean {
  const authorization = request.headers.authorization ?? '';
  const [, scope = '', names = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=AKIATEST\/(\S+?), SignedHeaders=(\S+?), Signature=([0-9a-f]{64})$/.exec(authorization) ?? [];
  const [day = '', region = '', service = ''] = scope.split('/');
  const header = (name: string): string => String(request.headers[name] ?? '').trim();
  const hash = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');
  if (header('x-amz-content-sha256') !== hash(body) || header('x-amz-security-token') !== CREDENTIALS.sessionToken) return false;
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const canonical = [
    request.method ?? '',
    path,
    query.split('&').toSorted().join('&'),
    ...names.split(';').map((name) => `${name}:${header(name)}`),
    '',
    names,
    hash(body),
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', header('x-amz-date'), scope, hash(canonical)].join('\n');
  const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();
  const signingKey = ['aws4_request'].reduce(hmac, [day, region, service].reduce<string | Buffer>(hmac, `AWS4${SECRET_KEY}`) as Buffer);
  return signature === hmac(signingKey, toSign).toString('hex') && ['host', 'x-amz-date'].every((name) => names.split(';').includes(name));
}
