import type { HttpRequest } from './http.ts';

/**
 * The URL for an engine that can do no more than call one, at the address where its subscriber has reached us. `${STATUS}` and
 * `${NOTE}` are for whoever subscribes it to fill in, and so is `${TOKEN}` where the token is not known any more.
 */
export function callbackUrl({ header }: Pick<HttpRequest, 'header'>, jobId: string, token = '${TOKEN}'): string {
  const base = `${header('x-forwarded-proto') ?? 'http'}://${header('host') ?? 'localhost'}`;
  return `${base}/v1/jobs/${jobId}/callback?token=${token}&status=\${STATUS}&note=\${NOTE}`;
}
