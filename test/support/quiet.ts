/**
 * What a driven clock must wait for, because it sees only its own event loop: HTTP requests to another process, and modules
 * that are being loaded.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';

const underWay = new Set<object>();

subscribe('http.client.request.start', (message) => {
  const { request } = message as { readonly request: ClientRequest };
  underWay.add(request);
  request.once('close', () => {
    underWay.delete(request);
  });
});

export async function loading(module: Promise<unknown>): Promise<unknown> {
  underWay.add(module);
  try {
    return await module;
  } finally {
    underWay.delete(module);
  }
}

export async function quiet(): Promise<void> {
  while (underWay.size > 0) await new Promise((resolve) => setImmediate(resolve));
}
