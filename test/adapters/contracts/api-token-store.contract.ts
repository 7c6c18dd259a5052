/** What every store of API tokens promises to the operations (src/operations/ports.ts). */
import { beforeEach, expect, test } from 'vitest';
import type { ApiToken } from '#domain/api-token';
import type { ApiTokenStore } from '#operations/ports';
import { at } from '#test/domain/builders';

export function apiTokenStoreContract(makeStore: () => Promise<ApiTokenStore>): void {
  let store: ApiTokenStore;
  beforeEach(async () => {
    store = await makeStore();
  });

  const token = (id: string, change: Partial<ApiToken> = {}): ApiToken => ({
    id,
    name: `name of ${id}`,
    secretDigest: '00',
    scopes: ['runs:read', 'admin'],
    createdAt: at(0),
    createdBy: 'ada',
    ...change,
  });
  const revocation = { at: at(7), by: 'grace' };
  const created = async (id: string, change: Partial<ApiToken> = {}): Promise<ApiToken> => {
    const made = token(id, change);
    expect(await store.create(made)).toBe('created');
    return made;
  };
  const listed = async (limit: number, cursor?: string): Promise<{ readonly ids: readonly string[]; readonly cursor?: string }> => {
    const page = await store.list({ limit, ...(cursor === undefined ? {} : { cursor }) });
    if (page.kind !== 'page') throw new Error(page.kind);
    const { items, cursor: next } = page.page;
    return { ids: items.map(({ id }) => id), ...(next === undefined ? {} : { cursor: next }) };
  };

  test('a token reads back as it was made, by its id and by its name in whatever case', async () => {
    const made = await created('aaaa', { validUntil: at(60), name: 'Ada 1' });
    expect(await store.find('aaaa')).toEqual(made);
    expect(await store.named('aDA 1')).toEqual(made);
    expect(await store.find('aaa')).toBeUndefined();
    expect(await store.named('ada')).toBeUndefined();
  });

  test('of two that ask for one name at once, one gets it; the other leaves nothing', async () => {
    const both = [token('aaaa', { name: 'ci' }), token('bbbb', { name: 'CI' })];
    const outcomes = await Promise.all(both.map((each) => store.create(each)));
    expect(outcomes.toSorted()).toEqual(['created', 'name-taken']);
    const winner = outcomes[0] === 'created' ? 'aaaa' : 'bbbb';
    expect((await listed(10)).ids).toEqual([winner]);
    expect((await store.administrators()).map(({ id }) => id)).toEqual([winner]);
    expect((await store.named('ci'))?.id).toBe(winner);
  });

  test('a name is not given again after its token was revoked', async () => {
    const first = await created('aaaa', { name: 'ci' });
    await store.revoke(first, revocation);
    expect(await store.create(token('bbbb', { name: 'ci' }))).toBe('name-taken');
    expect(await store.find('bbbb')).toBeUndefined();
  });

  test('a host that hands out a name of its own gives it to its newest token', async () => {
    await store.put(token('aaaa', { name: 'local' }));
    await store.put(token('bbbb', { name: 'local' }));
    expect((await store.named('local'))?.id).toBe('bbbb');
    expect((await listed(10)).ids).toEqual(['bbbb', 'aaaa']);
  });

  test('all are listed newest first, in pages that end', async () => {
    for (const id of ['01AA', '01AB', '01AC', '01AD', '01AE']) await created(id);
    const first = await listed(2);
    const second = await listed(2, first.cursor);
    const third = await listed(2, second.cursor);
    expect([first.ids, second.ids, third.ids]).toEqual([['01AE', '01AD'], ['01AC', '01AB'], ['01AA']]);
    expect(third.cursor).toBeUndefined();
    expect(await store.list({ limit: 2, cursor: 'bm9uc2Vuc2U' })).toEqual({ kind: 'malformed-cursor' });
  });

  test('a revocation is kept as the first one was, and an administrator who is revoked is none', async () => {
    const made = await created('aaaa');
    await created('bbbb', { scopes: ['runs:read'] });
    expect((await store.administrators()).map(({ id }) => id)).toEqual(['aaaa']);
    expect(await store.revoke(made, revocation)).toBe('revoked');
    expect(await store.revoke(made, { at: at(9), by: 'somebody else' })).toBe('conflict');
    expect(await store.find('aaaa')).toEqual({ ...made, revoked: revocation });
    expect(await store.administrators()).toEqual([]);
    expect((await listed(10)).ids).toEqual(['bbbb', 'aaaa']);
  });

  test('a token that is not there cannot be revoked, and does not come to be by that', async () => {
    expect(await store.revoke(token('aaaa'), revocation)).toBe('conflict');
    expect(await store.find('aaaa')).toBeUndefined();
    expect((await listed(10)).ids).toEqual([]);
  });

  test('two that are revoked at once, each because the other remains, do not both go', async () => {
    for (let round = 0; round < 10; round += 1) {
      const [one, two] = [await created(`01A${round}`), await created(`01B${round}`)];
      const outcomes = await Promise.all([store.revoke(one, revocation, two), store.revoke(two, revocation, one)]);
      expect(outcomes.filter((outcome) => outcome === 'revoked').length).toBeLessThanOrEqual(1);
      const left = await Promise.all([one, two].map(({ id }) => store.find(id)));
      expect(left.some((each) => each && !each.revoked)).toBe(true);
    }
  });

  test('of its uses the latest is kept, and it makes no token', async () => {
    const made = await created('aaaa');
    await store.recordUse('aaaa', { at: at(5), from: '10.0.0.1' });
    await store.recordUse('aaaa', { at: at(3), from: '10.0.0.2' });
    await store.recordUse('aaaa', { at: at(5), from: '10.0.0.3' });
    expect(await store.find('aaaa')).toEqual({ ...made, lastUse: { at: at(5), from: '10.0.0.1' } });
    await store.recordUse('aaaa', { at: at(6), from: '10.0.0.3' });
    expect((await store.find('aaaa'))?.lastUse).toEqual({ at: at(6), from: '10.0.0.3' });
    await store.recordUse('bbbb', { at: at(5), from: '10.0.0.1' });
    expect(await store.find('bbbb')).toBeUndefined();
  });
}
