/**
 * Archives in S3, below a prefix of a bucket. There are no folders and no links: a file is below a path where its key begins with
 * it, slash included. What is to be removed is looked at for that once more, whatever the listing said.
 */
import { createHash } from 'node:crypto';
import { parseXML } from '@aws-sdk/xml-builder';
import * as z from 'zod';
import type { ArchivePath } from '#domain/archive-path';
import { Fault } from '#domain/faults';
import { instant } from '#domain/ids';
import type { ArchivedFile, Archives } from '#operations/archive-ports';
import { s3Requests, type AskS3, type S3Options } from './s3-requests.ts';

export interface S3ArchiveOptions extends S3Options {
  /** Without slashes at its ends; empty for the whole bucket. */
  readonly prefix: string;
}

export function s3Archives(options: S3ArchiveOptions): Archives {
  const ask = s3Requests(options);
  const prefixOf = (archive: ArchivePath): string => `${[...(options.prefix === '' ? [] : [options.prefix]), ...archive].join('/')}/`;
  return {
    async *files(archive) {
      const prefix = prefixOf(archive);
      for await (const objects of pages(ask, prefix)) for (const object of objects) if (isFile(object)) yield fileOf(object, prefix);
    },
    async checksum(archive, key) {
      const { status, headers } = await ask({
        method: 'HEAD',
        key: `${prefixOf(archive)}${key}`,
        headers: { 'x-amz-checksum-mode': 'ENABLED' },
      });
      return status === 404 ? undefined : checksumOf(headers);
    },
    async clear(archive, goesOn = () => Promise.resolve(true)) {
      const prefix = prefixOf(archive);
      let removed = 0;
      for await (const objects of pages(ask, prefix)) {
        if (objects.length > 0 && !(await goesOn())) return removed;
        await removeAll(
          ask,
          prefix,
          objects.map(({ Key }) => Key),
        );
        removed += objects.filter(isFile).length;
      }
      return removed;
    },
  };
}

const StoredObject = z.object({
  Key: z.string().transform((key) => decodeURIComponent(key.replaceAll('+', ' '))),
  Size: z.coerce.number(),
  LastModified: z.string(),
  ETag: z.string().default(''),
});
type StoredObject = z.output<typeof StoredObject>;

/** One of something is not a list in XML, and none of it is nothing. */
const many = <Item extends z.ZodType>(item: Item) =>
  z
    .union([z.array(item), item.transform((one) => [one])])
    .optional()
    .transform((items) => items ?? []);

const Listing = z.object({
  ListBucketResult: z.object({
    IsTruncated: z.string(),
    NextContinuationToken: z.string().optional(),
    Contents: many(StoredObject),
  }),
});

/** What one who made a folder in a console left there. */
const isFile = ({ Key }: StoredObject): boolean => !Key.endsWith('/');

function fileOf({ Key, Size, LastModified, ETag }: StoredObject, prefix: string): ArchivedFile {
  return {
    key: Key.slice(prefix.length),
    sizeBytes: Size,
    modifiedAt: instant(Date.parse(LastModified)),
    ...(ETag === '' ? {} : { checksum: etagOf(ETag) }),
  };
}

const etagOf = (tag: string): string => `etag:${tag.replaceAll('"', '')}`;

/** Of an upload in parts the checksum is that of the parts' checksums, and has a dash in it. */
function checksumOf(headers: Headers): string {
  const sha256 = headers.get('x-amz-checksum-sha256');
  if (sha256 !== null && !sha256.includes('-')) return `sha256:${Buffer.from(sha256, 'base64').toString('hex')}`;
  return etagOf(headers.get('etag') ?? '');
}

async function* pages(ask: AskS3, prefix: string): AsyncGenerator<readonly StoredObject[], void, undefined> {
  let token: string | undefined;
  do {
    const query = { 'list-type': '2', 'encoding-type': 'url', prefix, ...(token === undefined ? {} : { 'continuation-token': token }) };
    const { status, text } = await ask({ method: 'GET', query });
    if (status === 404) throw new Fault('ArchiveRefused', 'there is no such bucket');
    const { Contents, IsTruncated, NextContinuationToken } = parsed(Listing, text).ListBucketResult;
    yield Contents.filter(({ Key }) => Key.startsWith(prefix));
    token = IsTruncated === 'true' ? NextContinuationToken : undefined;
  } while (token !== undefined);
}

const Removed = z.object({
  DeleteResult: z.union([z.literal(''), z.object({ Error: many(z.object({ Code: z.string() })) })]),
});

/** XML 1.0 has no way to write the other control characters. */
const WRITABLE = /^[\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u;

async function removeAll(ask: AskS3, prefix: string, keys: readonly string[]): Promise<void> {
  const below = keys.filter((key) => key.startsWith(prefix));
  for (const key of below.filter((each) => !WRITABLE.test(each))) await ask({ method: 'DELETE', key });
  const writable = below.filter((each) => WRITABLE.test(each));
  if (writable.length === 0) return;
  const objects = writable.map((key) => `<Object><Key>${escaped(key)}</Key></Object>`).join('');
  const body = `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>${objects}</Delete>`;
  const checksum = createHash('sha256').update(body).digest('base64');
  const headers = { 'content-type': 'application/xml', 'x-amz-checksum-sha256': checksum, 'x-amz-sdk-checksum-algorithm': 'SHA256' };
  const { text } = await ask({ method: 'POST', query: { delete: '' }, headers, body });
  const { DeleteResult: result } = parsed(Removed, text);
  const [failed] = result === '' ? [] : result.Error;
  if (!failed) return;
  const passes = failed.Code === 'InternalError' || failed.Code === 'SlowDown';
  throw new Fault(passes ? 'ArchiveUnavailable' : 'ArchiveRefused', `not all files could be removed (${failed.Code})`);
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;', '\n': '&#10;', '\t': '&#9;' };
const escaped = (text: string): string => text.replaceAll(/[&<>\r\n\t]/g, (character) => ENTITIES[character] ?? character);

function parsed<Value>(schema: z.ZodType<Value>, text: string): Value {
  try {
    return schema.parse(parseXML(text));
  } catch (error) {
    throw new Fault('ArchiveUnavailable', 'the bucket answered something that is no answer of S3', { cause: error });
  }
}
