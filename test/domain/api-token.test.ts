import { describe, expect, test } from 'vitest';
import {
  grants,
  isKept,
  isReservedName,
  keptUntil,
  nameKey,
  SCOPES,
  scopesBeyond,
  TOKEN_NAME,
  tokenState,
  useToRecord,
  type ApiToken,
} from '#domain/api-token';
import { at } from './builders.ts';

const token = (change: Partial<ApiToken> = {}): ApiToken => ({ id: 'a', name: 'a', secretDigest: '00', scopes: ['runs:read'], ...change });
const DAY = 86_400;

describe('the state of a token', () => {
  test('is active until the instant that it is valid until, and expired from it on', () => {
    const expiring = token({ validUntil: at(10) });
    expect([at(9.999), at(10), at(11)].map((now) => tokenState(expiring, now))).toEqual(['active', 'expired', 'expired']);
    expect(tokenState(token(), at(1e9))).toBe('active');
  });

  test('is revoked whatever else holds', () => {
    const revoked = { at: at(5), by: 'ada' };
    expect(tokenState(token({ revoked }), at(0))).toBe('revoked');
    expect(tokenState(token({ revoked, validUntil: at(1) }), at(9))).toBe('revoked');
  });

  test('is shown for 90 days after its end, whichever came first', () => {
    expect(keptUntil(token())).toBeUndefined();
    expect(keptUntil(token({ validUntil: at(1) }))).toBe(at(90 * DAY + 1));
    expect(keptUntil(token({ revoked: { at: at(5), by: 'a' }, validUntil: at(1) }))).toBe(at(90 * DAY + 1));
    expect(keptUntil(token({ revoked: { at: at(5), by: 'a' }, validUntil: at(9) }))).toBe(at(90 * DAY + 5));
    const ended = token({ validUntil: at(1) });
    expect([at(0), at(90 * DAY), at(90 * DAY + 1)].map((now) => isKept(ended, now))).toEqual([true, true, false]);
  });
});

describe('scopes', () => {
  test('admin includes every other one, and none includes admin', () => {
    for (const scope of SCOPES) {
      expect(grants(['admin'], scope)).toBe(true);
      for (const other of SCOPES) if (other !== 'admin') expect(grants([other], scope)).toBe(other === scope);
    }
  });

  test('nobody gives more than he has', () => {
    expect(scopesBeyond(['runs:read', 'jobs:report'], ['runs:write', 'runs:read', 'admin'])).toEqual(['runs:write', 'admin']);
    expect(scopesBeyond(['admin'], SCOPES)).toEqual([]);
    expect(scopesBeyond([], ['runs:read'])).toEqual(['runs:read']);
  });
});

test('a use is recorded once a minute', () => {
  const use = { at: at(60), from: '10.0.0.1' };
  expect(useToRecord(token(), use)).toBe(use);
  expect(useToRecord(token({ lastUse: { at: at(0), from: '10.0.0.2' } }), use)).toBe(use);
  expect(useToRecord(token({ lastUse: { at: at(0.001), from: '10.0.0.2' } }), use)).toBeUndefined();
});

describe('a name', () => {
  test.each(['ci', 'CI', 'ada@example.org', 'nightly load 2', 'airflow/prod:eu+1', '7'])('may be "%s"', (name) => {
    expect(TOKEN_NAME.test(name)).toBe(true);
  });

  test.each(['', ' ci', 'ci ', 'c  i', '-ci', 'сi', 'ci\u200b', 'c\ni', 'ci\n', 'zoë', 'a"b', 'a<b', 'a;b'])('may not be %j', (name) => {
    expect(TOKEN_NAME.test(name)).toBe(false);
  });

  test('is the same in every case, and may not stand for the service itself', () => {
    expect(nameKey('Ada')).toBe(nameKey('aDA'));
    expect(['sluice', 'Sluice', 'ANONYMOUS', 'local', 'bootstrap', 'system'].every(isReservedName)).toBe(true);
    expect(isReservedName('sluice-ci')).toBe(false);
  });

  test('of a hundred words that ends wrongly is refused at once', () => {
    const from = performance.now();
    expect(TOKEN_NAME.test(`${'a '.repeat(50_000)}!`)).toBe(false);
    expect(performance.now() - from).toBeLessThan(500);
  });
});
