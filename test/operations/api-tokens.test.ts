import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ApiToken, Scope } from '#domain/api-token';
import { createApiToken, type CreateApiToken, type CreateApiTokenOutcome } from '#operations/create-api-token';
import type { ApiTokenStore } from '#operations/ports';
import { revokeApiToken, type RevokeApiTokenOutcome } from '#operations/revoke-api-token';
import { at } from '#test/domain/builders';
import { startTestDatabase, type TestDatabase } from '#test/support/dynamodb';
import { world, type World } from './world.ts';

let database: TestDatabase;
let it: World;

beforeAll(async () => {
  database = await startTestDatabase();
});
beforeEach(async () => {
  it = await world(database);
});
afterAll(() => database.close());

const admin = { name: 'ada', scopes: ['admin'] } as const;
const create = (change: Partial<CreateApiToken> = {}): Promise<CreateApiTokenOutcome> =>
  createApiToken(it.ports, { name: 'ci', scopes: ['runs:read'], secretDigest: '00', maker: admin, ...change });
const made = async (name: string, scopes: readonly Scope[] = ['admin'], change: Partial<CreateApiToken> = {}): Promise<ApiToken> => {
  const outcome = await create({ name, scopes, ...change });
  if (outcome.kind !== 'created') throw new Error(outcome.kind);
  return outcome.token;
};
const revoke = (token: ApiToken, evenIfLast = false): Promise<RevokeApiTokenOutcome> =>
  revokeApiToken(it.ports, { id: token.id, revokedBy: 'ada', evenIfLast });

describe('making a token', () => {
  test('keeps who made it, when, and for how long', async () => {
    const token = await made('ci', ['runs:read'], { validUntil: at(60) });
    expect(token).toMatchObject({ name: 'ci', scopes: ['runs:read'], createdAt: at(0), createdBy: 'ada', validUntil: at(60) });
    expect(await it.ports.apiTokens.find(token.id)).toEqual(token);
  });

  test('is refused with more scopes than its maker has, and says which', async () => {
    const maker = { name: 'reporter', scopes: ['runs:read', 'jobs:report'] } as const;
    expect(await create({ maker, scopes: ['admin', 'runs:read', 'runs:write'] })).toEqual({
      kind: 'beyond-maker',
      scopes: ['admin', 'runs:write'],
    });
    expect(await create({ maker, scopes: ['jobs:report'] })).toMatchObject({ kind: 'created' });
  });

  test('is refused under a name that is taken, reserved, or for a time that is over', async () => {
    await made('ci');
    expect(await create({ name: 'Ci' })).toEqual({ kind: 'name-taken' });
    expect(await create({ name: 'Sluice' })).toEqual({ kind: 'name-reserved' });
    expect(await create({ name: 'new', validUntil: at(0) })).toEqual({ kind: 'over-already' });
  });
});

describe('revoking a token', () => {
  test('keeps it as revoked, by whom and when; again changes nothing', async () => {
    const token = await made('ci', ['runs:read']);
    it.advance(5);
    const revoked = { at: at(5), by: 'ada' };
    expect(await revoke(token)).toEqual({ kind: 'revoked', token: { ...token, revoked } });
    it.advance(5);
    expect(await revoke(token)).toEqual({ kind: 'revoked', token: { ...token, revoked } });
  });

  test('of nobody is absent', async () => {
    expect(await revokeApiToken(it.ports, { id: 'nobody', revokedBy: 'ada', evenIfLast: false })).toEqual({ kind: 'absent' });
  });

  test('of the last administrator is refused, unless it is meant', async () => {
    const [one, two] = [await made('one'), await made('two')];
    await made('reader', ['runs:read']);
    expect(await revoke(one)).toMatchObject({ kind: 'revoked' });
    expect(await revoke(two)).toEqual({ kind: 'last-administrator' });
    expect((await it.ports.apiTokens.find(two.id))?.revoked).toBeUndefined();
    expect(await revoke(two, true)).toMatchObject({ kind: 'revoked' });
  });

  test('counts no administrator whose time is over, and lets go one that is over itself', async () => {
    const one = await made('one');
    const brief = await made('brief', ['admin'], { validUntil: at(60) });
    it.advance(60);
    expect(await revoke(one)).toEqual({ kind: 'last-administrator' });
    expect(await revoke(brief)).toMatchObject({ kind: 'revoked' });
  });

  test('of both administrators at once leaves one', async () => {
    const [one, two] = [await made('one'), await made('two')];
    const outcomes = await Promise.all([revoke(one), revoke(two)]);
    expect(outcomes.map(({ kind }) => kind).toSorted()).toEqual(['last-administrator', 'revoked']);
  });

  test('that loses three races is a fault that may be retried', async () => {
    const token = await made('ci', ['runs:read']);
    const apiTokens: ApiTokenStore = { ...it.ports.apiTokens, revoke: () => Promise.resolve('conflict') };
    await expect(revokeApiToken({ ...it.ports, apiTokens }, { id: token.id, revokedBy: 'ada', evenIfLast: false })).rejects.toMatchObject({
      name: 'StoreBusy',
      retryable: true,
    });
  });
});
