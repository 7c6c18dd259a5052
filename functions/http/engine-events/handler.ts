/** What engines push: a word that a job of theirs has changed. It makes its run be looked at, and says nothing else. */
import { timingSafeEqual } from 'node:crypto';
import { EngineEvent } from '#contract/engine-event';
import { Fault } from '#domain/faults';
import { digestOfSecret, type Caller } from '#hosts/lambda/authentication';
import { httpHandler, routeOfEngine, type HttpRequest } from '#hosts/lambda/http';
import { reply, type HttpReply } from '#hosts/lambda/replies';
import { ports } from '#hosts/wiring';
import { nudgeRun } from '#operations/nudge-run';

const SECRET_HEADER = 'x-sluice-webhook-secret';

/** An engine without a secret takes the same path as one whose secret is another. */
async function identify({ path, header }: Pick<HttpRequest, 'path' | 'header'>): Promise<Caller | undefined> {
  const expected = await secretOf(path('engine'));
  const [given, wanted] = [header(SECRET_HEADER) ?? '', expected ?? ''].map((secret) => Buffer.from(digestOfSecret(secret), 'hex'));
  const isEqual = given !== undefined && wanted !== undefined && timingSafeEqual(given, wanted);
  return isEqual && expected !== undefined && expected !== '' ? { name: path('engine'), scopes: [] } : undefined;
}

/** Where it cannot be read nobody can tell who calls: whoever it is may come again, and learns nothing of where it is kept. */
async function secretOf(engine: string): Promise<string | undefined> {
  try {
    return await ports().webhookSecret(engine);
  } catch (error) {
    throw new Fault('SecretUnavailable', 'the secret that pushes carry cannot be read', { cause: error });
  }
}

/** A job that is not ours is answered alike: who may push learns nothing of what there is. */
async function receive({ body }: HttpRequest<EngineEvent>): Promise<HttpReply> {
  await nudgeRun(ports(), body.JOB_NAME);
  return reply(202, {});
}

export const handler = httpHandler([routeOfEngine('POST /v1/engines/{engine}/events', identify, EngineEvent, receive)]);
