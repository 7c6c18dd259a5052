import { describe, expect, test } from 'vitest';
import { allowedHosts } from '#adapters/engines/control-hub/allowed-hosts';
import { hubClient, retryAfterMs, type HubAnswer, type HubCall, type HubClient } from '#adapters/engines/control-hub/client';
import { hubCredentials, referredCredentials, type CredentialSource, type HubCredentials } from '#adapters/engines/control-hub/credentials';
import { retryBudget } from '#adapters/engines/control-hub/retry-budget';
import { refused as connectionRefused, scriptedFetch, type Answer, type Asked } from '#test/client/scripted-fetch';
import { CREDENTIAL, fixedCredentials, HUB_URL, movedClock, noTimer, tokenOf, type Clock } from './hub-fixture.ts';

interface Scripted {
  readonly client: HubClient;
  readonly asked: readonly Asked[];
  readonly clock: Clock;
  readonly waitedMs: number[];
}

interface Options {
  readonly url?: string | undefined;
  readonly project?: string;
  readonly hosts?: readonly string[];
  readonly credentials?: CredentialSource;
  readonly bodyBytes?: number;
  readonly random?: number;
}

function scripted(answers: readonly Answer[], options: Options = {}): Scripted {
  const { fetch, asked } = scriptedFetch(...answers);
  return { asked, ...clientOn(fetch, options) };
}

function clientOn(fetch: typeof globalThis.fetch, options: Options = {}): Omit<Scripted, 'asked'> {
  const { url = HUB_URL, project, hosts = [], credentials = fixedCredentials(), bodyBytes = 10_000, random = 0.5 } = options;
  const clock = movedClock();
  const waitedMs: number[] = [];
  const client = hubClient({
    ...('url' in options && options.url === undefined ? {} : { url }),
    ...(project === undefined ? {} : { project }),
    fetch,
    timer: noTimer,
    credentials,
    hosts: allowedHosts(hosts),
    nowMs: clock.nowMs,
    pause: (ms) => {
      waitedMs.push(ms);
      return clock.pause(ms);
    },
    random: () => random,
    limits: { bodyBytes },
  });
  return { client, clock, waitedMs };
}

const STATUS: HubCall = { method: 'POST', path: '/jobrunner/rest/v1/jobs/status', body: ['a:b'], repeatable: true };
const CREATE: HubCall = { method: 'POST', path: '/jobrunner/rest/v1/job/t:o/createAndStartJobInstances', body: {}, repeatable: false };
const OK: Answer = { status: 200, body: { fine: true } };
const issues = (status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}): Answer => ({
  status,
  headers,
  body: { ISSUES: [{ code, message }] },
});
const dropped = (): Error =>
  new TypeError('fetch failed', { cause: Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' }) });
const refusedAtOnce = (): Error => Object.assign(connectionRefused(), { cause: Object.assign(new Error('no'), { code: 'ECONNREFUSED' }) });

describe('what is sent', () => {
  test('the credentials and what else Control Hub wants stand in every request', async () => {
    const { client, asked } = scripted([OK]);
    await client.call(STATUS);
    expect(asked[0]).toMatchObject({
      method: 'POST',
      url: `${HUB_URL}/jobrunner/rest/v1/jobs/status`,
      headers: {
        'x-ss-app-component-id': CREDENTIAL.id,
        'x-ss-app-auth-token': CREDENTIAL.token,
        'x-requested-by': 'sluice',
        'x-ss-rest-call': 'true',
        'x-ss-org-id': 'simulated-org',
        'content-type': 'application/json',
      },
      body: ['a:b'],
    });
  });

  test('a project goes to the apps that know projects, and not to the time series', async () => {
    const { client, asked } = scripted([OK], { project: 'p:o' });
    await client.call(STATUS);
    await client.call({ method: 'GET', path: '/timeseries/rest/v1/metrics/job/a:b/recordCountsForAllRuns', repeatable: true });
    expect(asked.map(({ url }) => new URL(url).searchParams.get('project'))).toEqual(['p:o', null]);
  });

  test('an address that is not configured is learned from the login service, once, and without the credentials', async () => {
    const landing: Answer = {
      status: 200,
      body: { data: { landingUrl: 'https://eu02.hub.streamsets.com/security/public-rest/v1/aster/landing' } },
    };
    const { client, asked } = scripted([landing, OK], { url: undefined });
    await client.call(STATUS);
    await client.call(STATUS);
    expect(asked.map(({ url }) => url)).toEqual([
      'https://cloud.login.streamsets.com/api/security/public/v3/orgs/simulated-org/info',
      'https://eu02.hub.streamsets.com/jobrunner/rest/v1/jobs/status',
      'https://eu02.hub.streamsets.com/jobrunner/rest/v1/jobs/status',
    ]);
    expect(JSON.stringify(asked[0])).not.toContain('CANARY');
  });

  test('a login service that names another host is not believed', async () => {
    const { client, asked } = scripted([{ status: 200, body: { data: { landingUrl: 'https://hub.example.com/' } } }], { url: undefined });
    expect(await client.call(STATUS)).toMatchObject({ kind: 'no-answer', hadNoEffect: true });
    expect(asked).toHaveLength(1);
  });

  test('without an address and with a token that names no organization, nothing is sent', async () => {
    const credentials = fixedCredentials({ id: 'id', token: 'no-jwt' });
    const { client, asked } = scripted([OK], { url: undefined, credentials });
    expect(await client.call(STATUS)).toMatchObject({ kind: 'no-answer', reason: expect.stringContaining('must be configured') as string });
    expect(asked).toEqual([]);
  });
});

describe('redirects', () => {
  const moved = (location: string, status = 308): Answer => ({ status, body: null, headers: { location } });

  test('a 308 to a host of StreamSets is followed with method and body, and its host remembered', async () => {
    const { client, asked } = scripted([moved('https://na02.hub.streamsets.com/jobrunner/rest/v1/jobs/status'), OK]);
    expect(await client.call(STATUS)).toEqual({ kind: 'answer', body: { fine: true } });
    await client.call(STATUS);
    expect(asked.map(({ method, url, body }) => [method, new URL(url).host, body])).toEqual([
      ['POST', 'na01.hub.streamsets.com', ['a:b']],
      ['POST', 'na02.hub.streamsets.com', ['a:b']],
      ['POST', 'na02.hub.streamsets.com', ['a:b']],
    ]);
  });

  test.each([
    'https://hub.streamsets.com.example.com/jobrunner/rest/v1/jobs/status',
    'https://evilhub.streamsets.com/jobrunner/rest/v1/jobs/status',
    'http://na02.hub.streamsets.com/jobrunner/rest/v1/jobs/status',
    'https://someone@na02.hub.streamsets.com/jobrunner/rest/v1/jobs/status',
    'https://na02.hub.streamsets.com/somewhere/else',
    '/jobrunner/rest/v1/jobs/status',
    'http://169.254.169.254/jobrunner/rest/v1/jobs/status',
  ])('a 308 to %s is not followed', async (location) => {
    const { client, asked } = scripted([moved(location), OK]);
    expect(await client.call(STATUS)).toMatchObject({ kind: 'no-answer' });
    expect(asked).toHaveLength(1);
  });

  test('a 308 to a host that the configuration names is followed', async () => {
    const { client, asked } = scripted([moved('https://hub.example.com/jobrunner/rest/v1/jobs/status'), OK], {
      hosts: ['hub.example.com'],
    });
    expect((await client.call(STATUS)).kind).toBe('answer');
    expect(new URL(asked[1]?.url ?? '').host).toBe('hub.example.com');
  });

  test.each([301, 302, 303, 307])('a %i is not followed, even to an allowed host', async (status) => {
    const { client, asked } = scripted([moved('https://na02.hub.streamsets.com/jobrunner/rest/v1/jobs/status', status), OK]);
    expect(await client.call(STATUS)).toMatchObject({ kind: 'no-answer', hadNoEffect: true });
    expect(asked).toHaveLength(1);
  });

  test('hosts that redirect to each other are left after two', async () => {
    const { client, asked } = scripted([moved('https://na02.hub.streamsets.com/jobrunner/rest/v1/jobs/status')]);
    expect(await client.call(STATUS)).toMatchObject({ kind: 'no-answer' });
    expect(asked).toHaveLength(3);
  });
});

describe('errors', () => {
  test('ISSUES keep their code and message', async () => {
    const { client } = scripted([issues(400, 'JOBRUNNER_12', 'no such parameter')]);
    expect(await client.call(STATUS)).toEqual({
      kind: 'refused',
      status: 400,
      code: 'JOBRUNNER_12',
      message: 'JOBRUNNER_12: no such parameter',
    });
  });

  test.each([
    ['<html><head><title>502 Bad Gateway</title></head></html>', 'an HTML page: 502 Bad Gateway'],
    ['plain words', 'plain words'],
    ['{"RemoteException":{"errorCode":"CONTAINER_0200","localizedMessage":"no pipeline"}}', 'no pipeline'],
    ['{"errors":[{"message":"no"}]}', 'no'],
    ['', 'Control Hub answered 404'],
  ])('the body %s is told as %s', async (text, message) => {
    const { client } = scripted([{ text, status: 404 }]);
    expect(await client.call(STATUS)).toMatchObject({ kind: 'refused', status: 404, message });
  });

  test('a message is cut, and without line breaks', async () => {
    const { client } = scripted([issues(400, 'A', `${'x'.repeat(5000)}\n\tat`)]);
    const answer = await client.call(STATUS);
    expect(answer.kind === 'refused' && answer.message).toHaveLength(2000);
  });

  test('credentials that Control Hub repeats are taken out, also encoded', async () => {
    const echoed = `token ${CREDENTIAL.token} of ${CREDENTIAL.id}, ${Buffer.from(CREDENTIAL.token).toString('base64')}`;
    const { client } = scripted([issues(400, CREDENTIAL.id, echoed), issues(500, 'A', echoed)]);
    const answers = [await client.call(STATUS), await client.call(CREATE)];
    expect(JSON.stringify(answers)).not.toContain('CANARY');
    expect(answers[0]).toMatchObject({ code: '***', message: '***: token *** of ***, ***' });
  });

  const { id, token } = CREDENTIAL;
  const inBase64 = (text: string, encoding: 'base64' | 'base64url' = 'base64'): string => Buffer.from(text).toString(encoding);
  test.each<[string, string]>([
    ['in another case', `${token.toUpperCase()} ${id.toLowerCase()}`],
    ['encoded for a URL, in another case', encodeURIComponent(token).toLowerCase()],
    ['in base64 for a URL', inBase64(token, 'base64url')],
    ['in base64, behind one character', inBase64(`x${token}`)],
    ['in base64, as basic credentials', `Basic ${inBase64(`${id}:${token}`)}`],
    ['in base64 for a URL, between other things', inBase64(`ab${token}?~`, 'base64url')],
    ['in part', token.split('.').slice(1).join(' ')],
    ['cut behind its claims', token.slice(0, token.lastIndexOf('.') + 1)],
  ])('credentials that are repeated %s are taken out', async (_, echoed) => {
    const { client } = scripted([issues(400, 'A', `no: ${echoed}`)]);
    const answer = await client.call(STATUS);
    const told = answer.kind === 'refused' ? answer.message : '';
    expect(told).toMatch(/^A: no: .*\*\*\*/);
    // No part of it is left that anybody could put together again.
    const kept = told.replaceAll(/Basic|no:/g, '').split(/[^\w+/=-]+/);
    for (const part of kept) expect(part.length).toBeLessThan(16);
    expect(told.toUpperCase()).not.toContain('CANARY');
  });

  test('what stands behind the name of a header that carries credentials is taken out, whosever it is', async () => {
    const echoed =
      'X-Requested-By: sluice, x-ss-app-auth-token: "eyJhbGciOiJub25lIn0.FROM-ANOTHER-TIME.x", X-SS-App-Component-Id=0123-4567-89ab';
    const { client } = scripted([issues(400, 'A', echoed), issues(400, 'A', 'X-SS-App-Auth-Token: missing')]);
    expect(await client.call(STATUS)).toMatchObject({
      message: 'A: X-Requested-By: sluice, x-ss-app-auth-token: "***", X-SS-App-Component-Id=***',
    });
    expect(await client.call(STATUS)).toMatchObject({ message: 'A: X-SS-App-Auth-Token: missing' });
  });

  test('credentials that were changed, or cannot be read any more, are taken out of texts all the same', async () => {
    const renewed = hubCredentials('another-credential', 'another-token-of-it');
    let state: 'old' | 'new' | 'gone' = 'old';
    const read = (): Promise<HubCredentials> => {
      if (state === 'gone') return Promise.reject(new Error('file:token is not set'));
      return Promise.resolve(state === 'old' ? hubCredentials(id, token) : renewed);
    };
    const { client } = scripted([OK, issues(400, 'A', `not ${token}, but ${renewed.token}`)], {
      credentials: { current: read, renewed: read },
    });
    await client.call(STATUS);
    state = 'new';
    expect(await client.call(STATUS)).toMatchObject({ message: 'A: not ***, but ***' });
    state = 'gone';
    expect(client.scrubbed(`was ${token}`)).toBe('was ***');
  });

  test('an answer that is no JSON cannot be used, and is not asked for again', async () => {
    const { client, asked } = scripted([{ text: '{"a":', status: 200 }]);
    expect(await client.call(STATUS)).toMatchObject({ kind: 'no-answer', unusable: true });
    expect(asked).toHaveLength(1);
  });

  test('an answer beyond the limit is not read to its end', async () => {
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(1000));
      },
    });
    const { client } = clientOn(() => Promise.resolve(new Response(endless)));
    expect(await client.call(STATUS)).toMatchObject({ kind: 'no-answer', unusable: true });
    expect(pulled).toBeLessThan(20);
  });

  test('an empty answer is one', async () => {
    const { client } = scripted([{ text: '', status: 200 }]);
    expect(await client.call(STATUS)).toEqual({ kind: 'answer', body: undefined });
  });
});

describe('time-outs', () => {
  /** Answers after the time-outs that it was given have passed. */
  const timedOut = (fetch: typeof globalThis.fetch): HubClient =>
    hubClient({
      url: HUB_URL,
      fetch,
      timer: (_, callback) => {
        const timer = setTimeout(callback, 1);
        return () => {
          clearTimeout(timer);
        };
      },
      credentials: fixedCredentials(),
      hosts: allowedHosts([]),
      nowMs: () => 0,
      pause: () => Promise.resolve(),
      random: () => 0.5,
    });

  test('a service that does not answer is left, and a start is not repeated for that', async () => {
    let asked = 0;
    const client = timedOut((_, init) => {
      asked += 1;
      return new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => {
          reject(init.signal?.reason as Error);
        });
      });
    });
    expect(await client.call(CREATE)).toEqual({ kind: 'no-answer', reason: 'no answer within 20 s', hadNoEffect: false });
    expect(asked).toBe(1);
  });

  test('a body that does not end is left', async () => {
    const client = timedOut((_, init) => {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          init?.signal?.addEventListener('abort', () => {
            controller.error(init.signal?.reason);
          });
        },
      });
      return Promise.resolve(new Response(body));
    });
    expect(await client.call(CREATE)).toMatchObject({ kind: 'no-answer', reason: expect.stringContaining('not complete') as string });
  });
});

describe('repeating', () => {
  test('what may be repeated is, after a pause that is not the same for all', async () => {
    const { client, asked, waitedMs } = scripted([dropped(), issues(502, 'A', 'b'), OK]);
    expect((await client.call(STATUS)).kind).toBe('answer');
    expect(asked).toHaveLength(3);
    expect(waitedMs).toEqual([125, 250]);
  });

  test('three attempts are all', async () => {
    const { client, asked } = scripted([dropped()]);
    expect(await client.call(STATUS)).toMatchObject({ kind: 'no-answer', reason: 'UND_ERR_SOCKET' });
    expect(asked).toHaveLength(3);
  });

  test.each<[string, Answer]>([
    ['a dropped connection', dropped()],
    ['a 500', issues(500, 'JOBRUNNER_1', 'no')],
    ['a 502', { text: '<html>', status: 502 }],
    ['a 503 that asks for a second', issues(503, 'A', 'b', { 'retry-after': '1' })],
    ['an answer that is no JSON', { text: '<', status: 200 }],
  ])('a start is not sent again after %s', async (_, answer) => {
    const { client, asked } = scripted([answer, OK]);
    expect(await client.call(CREATE)).toMatchObject({ kind: 'no-answer', hadNoEffect: false });
    expect(asked).toHaveLength(1);
  });

  test.each<[string, Answer]>([
    ['a connection that was never made', refusedAtOnce()],
    ['a 429', issues(429, 'A', 'b', { 'retry-after': '1' })],
  ])('a start is sent again after %s', async (_, answer) => {
    const { client, asked } = scripted([answer, OK]);
    expect((await client.call(CREATE)).kind).toBe('answer');
    expect(asked).toHaveLength(2);
  });

  test('a 401 is sent again once, where the token has changed meanwhile', async () => {
    const renewed = hubCredentials('id', tokenOf('o2'));
    const credentials: CredentialSource = { ...fixedCredentials(), renewed: () => Promise.resolve(renewed) };
    const { client, asked } = scripted([issues(401, 'SSO_01', 'User not authenticated'), OK], { credentials });
    expect((await client.call(CREATE)).kind).toBe('answer');
    expect(asked.map(({ headers }) => headers['x-ss-app-component-id'])).toEqual([CREDENTIAL.id, 'id']);
  });

  test('a 401 with the newest token is told, in words that hold no token', async () => {
    const { client, asked } = scripted([issues(401, 'SSO_01', 'User not authenticated')]);
    const answer = await client.call(STATUS);
    expect(answer).toMatchObject({
      kind: 'no-answer',
      hadNoEffect: true,
      reason: 'Control Hub answered 401: SSO_01: User not authenticated',
    });
    expect(asked).toHaveLength(1);
  });

  test('credentials that cannot be read are told, and nothing is sent', async () => {
    const fails = (): Promise<never> => Promise.reject(new Error('env:NO_TOKEN is not set'));
    const { client, asked } = scripted([OK], { credentials: { current: fails, renewed: fails } });
    expect(await client.call(STATUS)).toMatchObject({ kind: 'no-answer', reason: expect.stringContaining('env:NO_TOKEN') as string });
    expect(asked).toEqual([]);
  });

  test('a token of which no header can be made is told as such, and nothing is sent', async () => {
    const secrets = { resolve: () => Promise.resolve('CANARY\nCANARY'), renew: () => Promise.resolve('CANARY\nCANARY') };
    const credentials = referredCredentials({ id: { value: 'an-id' }, token: 'file:token' }, secrets);
    const { client, asked } = scripted([OK], { credentials });
    expect(await client.call(CREATE)).toEqual({
      kind: 'no-answer',
      hadNoEffect: true,
      reason: 'the credentials of Control Hub cannot be read: the auth token holds characters that no header may have',
    });
    expect(asked).toEqual([]);
  });

  test('all calls together retry no more than the budget allows, and successes fill it', async () => {
    let asked = 0;
    // Every other request is dropped: each call could do with one retry.
    const { client } = clientOn(() => ((asked += 1) % 2 === 1 ? Promise.reject(dropped()) : Promise.resolve(new Response('{}'))));
    const kinds: string[] = [];
    for (let call = 0; call < 200; call += 1) kinds.push((await client.call(STATUS)).kind);
    const retries = asked - kinds.length;
    const successes = kinds.filter((kind) => kind === 'answer').length;
    expect(kinds.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 'answer'));
    expect(kinds).toContain('no-answer');
    expect(retries).toBeGreaterThan(20);
    expect(retries).toBeLessThanOrEqual(20 + 0.1 * successes);
  });

  test('an empty budget is filled by successes, and never beyond its size', () => {
    const budget = retryBudget(2, 0.5);
    expect([budget.take(), budget.take(), budget.take()]).toEqual([true, true, false]);
    budget.succeeded();
    expect(budget.take()).toBe(false);
    budget.succeeded();
    expect([budget.take(), budget.take()]).toEqual([true, false]);
    for (let success = 0; success < 100; success += 1) budget.succeeded();
    expect(budget.left).toBe(2);
  });
});

describe('resting', () => {
  const both = async (client: HubClient): Promise<readonly HubAnswer[]> => [await client.call(STATUS), await client.call(CREATE)];

  test('a long Retry-After is honoured by every call, and none is sent meanwhile', async () => {
    const { client, asked, clock } = scripted([issues(429, 'A', 'slow down', { 'retry-after': '30' }), OK]);
    expect(await client.call(STATUS)).toMatchObject({ kind: 'no-answer', hadNoEffect: true });
    for (const answer of await both(client)) {
      expect(answer).toEqual({
        kind: 'no-answer',
        hadNoEffect: true,
        reason: 'left alone for 30 s more, because: Control Hub answered 429: A: slow down',
      });
    }
    expect(asked).toHaveLength(1);
    clock.advance(30);
    expect((await both(client)).map(({ kind }) => kind)).toEqual(['answer', 'answer']);
  });

  test('a short one is waited for, and those who wait do not all go at once', async () => {
    const sentAt: number[] = [];
    let now = 0;
    let draws = 0;
    const waitedMs: number[] = [];
    const client = hubClient({
      url: HUB_URL,
      fetch: () => {
        sentAt.push(now);
        return Promise.resolve(
          sentAt.length === 1 ? new Response('', { status: 503, headers: { 'retry-after': '2' } }) : new Response('{}'),
        );
      },
      timer: noTimer,
      credentials: fixedCredentials(),
      hosts: allowedHosts([]),
      nowMs: () => now,
      pause: async (ms) => {
        const until = now + ms;
        await new Promise(setImmediate);
        now = Math.max(now, until);
        waitedMs.push(ms);
      },
      random: () => ((draws += 1) % 10) / 10,
    });
    expect((await client.call(CREATE)).kind).toBe('no-answer');
    await Promise.all([client.call(STATUS), client.call(STATUS), client.call(STATUS)]);
    expect(Math.min(...sentAt.slice(1))).toBeGreaterThanOrEqual(2000);
    expect(new Set(waitedMs).size).toBe(3);
  });

  test('a day of Retry-After is a minute, and a date is understood', () => {
    expect(retryAfterMs('86400', 0)).toBe(86_400_000);
    expect(retryAfterMs('Thu, 01 Jan 1970 00:00:30 GMT', 10_000)).toBe(20_000);
    expect(retryAfterMs('Thu, 01 Jan 1970 00:00:30 GMT', 90_000)).toBe(0);
    expect(retryAfterMs('soon', 0)).toBeUndefined();
    expect(retryAfterMs(null, 0)).toBeUndefined();
  });

  test('nobody is kept away for longer than a minute', async () => {
    const { client, asked, clock } = scripted([issues(503, 'A', 'b', { 'retry-after': '86400' }), OK]);
    await client.call(STATUS);
    clock.advance(60);
    expect((await client.call(STATUS)).kind).toBe('answer');
    expect(asked).toHaveLength(2);
  });

  test('after three failures in a row one call goes ahead at a time', async () => {
    let asked = 0;
    let answer: (response: Response) => void = () => undefined;
    const { client, clock } = clientOn(() => {
      asked += 1;
      return asked <= 3 ? Promise.reject(dropped()) : new Promise((resolve) => (answer = resolve));
    });
    await client.call(STATUS);
    expect(asked).toBe(3);
    clock.advance(10);
    const first = client.call(STATUS);
    await new Promise(setImmediate);
    const others = await both(client);
    expect(others.map(({ kind }) => kind)).toEqual(['no-answer', 'no-answer']);
    expect(asked).toBe(4);
    answer(new Response('{}'));
    expect((await first).kind).toBe('answer');
    const next = client.call(STATUS);
    await new Promise(setImmediate);
    answer(new Response('{}'));
    expect((await next).kind).toBe('answer');
  });
});

test('no more than sixteen calls are under way at once', async () => {
  let inFlight = 0;
  let most = 0;
  const { client } = clientOn(async () => {
    inFlight += 1;
    most = Math.max(most, inFlight);
    await new Promise(setImmediate);
    inFlight -= 1;
    return new Response('{}');
  });
  const answers = await Promise.all(Array.from({ length: 100 }, () => client.call(STATUS)));
  expect(answers.every(({ kind }) => kind === 'answer')).toBe(true);
  expect(most).toBe(16);
});

test('hosts are those of StreamSets and those that are named, by HTTPS alone but for this machine', () => {
  const hosts = allowedHosts(['127.0.0.1:18630', 'hub.example.com']);
  const allowed = (url: string): boolean => hosts.allows(new URL(url));
  expect(['https://na01.hub.streamsets.com', 'https://hub.example.com:8443', 'http://127.0.0.1:18630'].map(allowed)).toEqual([
    true,
    true,
    true,
  ]);
  expect(['http://hub.example.com', 'http://127.0.0.1:80', 'https://example.com', 'ftp://hub.example.com'].map(allowed)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});
