/**
 * Inputs over http(s), fetched by us because SQL is kept from the network. The template's author lists the hosts, a caller
 * chooses the URL: without the list a caller could read whatever this machine can reach.
 */
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { JobFailure } from './protocol.ts';

const MOST_REDIRECTS = 5;
const DEFAULT_TIMEOUT_SECONDS = 60;
const DEFAULT_MAX_BYTES = 1_000_000_000;

export interface Download {
  /** The input's name, which is the local file's. */
  readonly name: string;
  readonly url: string;
  /** `$HTTP_URL`, in messages. */
  readonly origin: string;
  readonly allowedHosts: readonly string[];
  readonly timeoutSeconds?: number | undefined;
  readonly maxBytes?: number | undefined;
  readonly folder: string;
}

export interface Downloaded {
  readonly localPath: string;
  /** The URL without query and credentials, fit for a message. */
  readonly shown: string;
}

export async function fetchInput(download: Download, stop: AbortSignal): Promise<Downloaded> {
  const first = allowedUrl(download, download.url);
  const seconds = download.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS;
  const timeout = AbortSignal.timeout(seconds * 1_000);
  const signal = AbortSignal.any([stop, timeout]);
  const localPath = path.join(download.folder, download.name + extension(first));
  try {
    const body = await request(download, first, signal);
    await pipeline(body, sizeLimit(download, first), createWriteStream(localPath), { signal });
  } catch (error) {
    if (error instanceof JobFailure || stop.aborted) throw error;
    if (timeout.aborted) throw new JobFailure(`${download.origin}: no complete answer within ${seconds} s from ${shown(first)}`);
    throw new JobFailure(`${download.origin}: ${shown(first)} could not be fetched: ${reason(error)}`);
  }
  return { localPath, shown: shown(first) };
}

async function request(download: Download, first: URL, signal: AbortSignal): Promise<Readable> {
  let url = first;
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
    const response = await fetch(url, { signal, redirect: 'manual' });
    const location = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && location !== null) {
      await response.body?.cancel();
      url = allowedUrl(download, new URL(location, url).href);
      continue;
    }
    if (!response.ok) {
      await response.body?.cancel();
      throw new JobFailure(`${download.origin}: ${shown(url)} answered ${response.status}`);
    }
    return response.body === null ? Readable.from([]) : Readable.fromWeb(response.body);
  }
  throw new JobFailure(`${download.origin}: more than ${MOST_REDIRECTS} redirects from ${shown(first)}`);
}

function allowedUrl({ allowedHosts, origin }: Download, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new JobFailure(`${origin}: an http or https URL is expected`);
  }
  if (url.username !== '' || url.password !== '') throw new JobFailure(`${origin}: a URL may not hold credentials`);
  const port = url.port === '' ? { 'http:': '80', 'https:': '443' }[url.protocol] : url.port;
  const names = [url.hostname, `${url.hostname}:${port}`];
  const isAllowed = allowedHosts.some((host) => names.includes(host.toLowerCase()));
  if (!isAllowed) throw new JobFailure(`${origin}: the template does not allow the host ${url.host}`);
  return url;
}

function sizeLimit({ maxBytes = DEFAULT_MAX_BYTES, origin }: Download, url: URL): Transform {
  let sizeBytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) done(new JobFailure(`${origin}: ${shown(url)} is larger than ${maxBytes} bytes`));
      else done(null, chunk);
    },
  });
}

/** DuckDB knows `.gz` and `.zst` by the name. */
function extension(url: URL): string {
  return /(?:\.[A-Za-z0-9]{1,8}){1,2}$/.exec(url.pathname)?.[0] ?? '';
}

function shown(url: URL): string {
  return url.origin + url.pathname;
}

/** Node's fetch says `fetch failed` and hides why in the cause. */
function reason(error: unknown): string {
  const { cause } = error as { readonly cause?: unknown };
  if (cause instanceof Error) return (cause as NodeJS.ErrnoException).code ?? cause.message;
  return error instanceof Error ? error.message : String(error);
}
