/** One request and its answer, within limits of time and size; redirects are told, never followed here. */

export interface Wire {
  readonly fetch: typeof fetch;
  /** Calls back after so many milliseconds, unless it is cancelled first. */
  readonly timer: (ms: number, callback: () => void) => () => void;
}

export interface HttpRequest {
  readonly url: URL;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface ExchangeLimits {
  /** Until the answer begins: connecting, sending, and the service's own work. */
  readonly answerMs: number;
  /** Until its body has come. */
  readonly bodyMs: number;
  readonly bodyBytes: number;
}

export type Exchange =
  | { readonly kind: 'reply'; readonly status: number; readonly headers: Headers; readonly text: string }
  | {
      readonly kind: 'none';
      readonly reason: string;
      /** The connection was never made: the request had no effect. */
      readonly unsent: boolean;
      /** It answered, with something that cannot be used; asking again would bring the same. */
      readonly unusable?: true;
      /** Asking again would meet the same. */
      readonly final?: true;
    };

export async function exchange({ fetch, timer }: Wire, request: HttpRequest, limits: ExchangeLimits): Promise<Exchange> {
  const aborter = new AbortController();
  let reason = `no answer within ${limits.answerMs / 1000} s`;
  const abort = (): void => {
    aborter.abort(new DOMException(reason, 'TimeoutError'));
  };
  let cancel = timer(limits.answerMs, abort);
  try {
    const { method, headers, body } = request;
    const response = await fetch(request.url, {
      method,
      headers: { ...headers },
      redirect: 'manual',
      signal: aborter.signal,
      ...(body === undefined ? {} : { body }),
    });
    cancel();
    reason = `the body of the answer was not complete within ${limits.bodyMs / 1000} s`;
    cancel = timer(limits.bodyMs, abort);
    const text = await limitedText(response, limits.bodyBytes);
    if (text === undefined) {
      aborter.abort();
      return { kind: 'none', reason: `the answer has more than ${limits.bodyBytes} bytes`, unsent: false, unusable: true };
    }
    return { kind: 'reply', status: response.status, headers: response.headers, text };
  } catch (error) {
    // Nothing of the error is passed on but its code: what a library puts into its errors is not known.
    if (isTimeout(error)) return { kind: 'none', reason, unsent: false };
    const code = codeOf(error);
    return { kind: 'none', reason: code ?? 'the connection failed', unsent: code !== undefined && UNSENT.includes(code) };
  } finally {
    cancel();
  }
}

/** What Node and undici call a connection that did not come about. */
const UNSENT: readonly string[] = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'];

const isTimeout = (error: unknown): boolean => error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError');

function codeOf(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth += 1) {
    const code: unknown = 'code' in at ? at.code : undefined;
    if (typeof code === 'string' && /^[A-Z_]{2,40}$/.test(code)) return code;
  }
  return undefined;
}

/** Undefined where it is longer than allowed; the rest of it is not read. */
async function limitedText({ body, headers }: Response, mostBytes: number): Promise<string | undefined> {
  if (Number(headers.get('content-length') ?? 0) > mostBytes) return undefined;
  if (!body) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > mostBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
