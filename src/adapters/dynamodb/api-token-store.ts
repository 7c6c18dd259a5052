/**
 * API tokens. A token is one item, read consistently at every request. Beside it stand rows that lead to it, written in its
 * own transactions:
 *
 *   create   the token · its name (nobody had it) · its row in the list · with `admin`: its row among the administrators
 *   revoke   the token (not yet revoked) · the row's end · the administrator's row gone · `remaining` (checked: not revoked)
 *
 * The row of a name outlives its token, so that no name is given twice.
 */
import { StoredApiToken, StoredApiTokenId } from '#contract/stored';
import { keptUntil, nameKey, type ApiToken, type Revocation } from '#domain/api-token';
import { epochMs, type Instant } from '#domain/ids';
import type { ApiTokenStore } from '#operations/ports';
import { decodeCursor, encodeCursor } from './cursors.ts';
import { decode } from './decoding.ts';
import { keys, type Key } from './keys.ts';
import type { Action, Check, Expression, Item, Table, Unguarded } from './table.ts';

type Put = Extract<Unguarded, { readonly kind: 'put' }>;

export function dynamoApiTokenStore(table: Table): ApiTokenStore {
  const find: ApiTokenStore['find'] = async (id) => {
    const item = await table.get(keys.apiToken(id));
    return item && decode(StoredApiToken, item);
  };
  const namedBy = async (rows: readonly Item[]): Promise<readonly ApiToken[]> => {
    const tokens = await Promise.all(rows.map((row) => find(decode(StoredApiTokenId, row).id)));
    return tokens.filter((token) => token !== undefined);
  };
  return {
    find,
    async named(name) {
      const row = await table.get(keys.apiTokenName(nameKey(name)));
      return row && find(decode(StoredApiTokenId, row).id);
    },
    async create(token) {
      // Guarded are all: nobody has the id, and nobody has or had the name.
      const written = await table.transact(rowsOf(token).map((row) => ({ ...row, guard: ABSENT })));
      return written.kind === 'done' ? 'created' : 'name-taken';
    },
    put: (token) => table.writeAll(rowsOf(token)),
    async list({ limit, cursor }) {
      const list = keys.apiTokens;
      const after = cursor === undefined ? undefined : decodeCursor(list, cursor);
      if (cursor !== undefined && after === undefined) return { kind: 'malformed-cursor' };
      const rows = await table.query({ pk: list, limit, newestFirst: true, ...(after === undefined ? {} : { after }) });
      const items = await namedBy(rows.items);
      return { kind: 'page', page: { items, ...(rows.next === undefined ? {} : { cursor: encodeCursor(list, rows.next) }) } };
    },
    administrators: async () => namedBy(await table.queryAll({ pk: keys.administrators, consistent: true })),
    revoke: async (token, revocation, remaining) =>
      (await table.transact(revocationOf(token, revocation, remaining))).kind === 'done' ? 'revoked' : 'conflict',
    async recordUse(id, use) {
      await table.write({
        kind: 'update',
        key: keys.apiToken(id),
        change: { text: 'SET #lastUse = :use', values: { ':use': use } },
        // Refused is as good as done: somebody recorded a later use, or the token is gone.
        guard: {
          text: 'attribute_exists(pk) AND (attribute_not_exists(#lastUse) OR #lastUse.#at < :at)',
          values: { ':at': use.at },
        },
      });
    },
  };
}

const ABSENT: Expression = { text: 'attribute_not_exists(pk)' };
const STANDS: Expression = { text: 'attribute_exists(pk) AND attribute_not_exists(#revoked)' };
const isAdministrator = ({ scopes }: ApiToken): boolean => scopes.includes('admin');
const secondsOf = (at: Instant): number => Math.floor(epochMs(at) / 1000);

/** `expiresAt` is the table's time to live, in seconds. */
function rowsOf(token: ApiToken): readonly Put[] {
  const { id, name } = token;
  const until = keptUntil(token);
  const put = (key: Key, attributes: object = {}): Put => ({
    kind: 'put',
    item: { ...key, id, ...attributes, ...(until === undefined ? {} : { expiresAt: secondsOf(until) }) },
  });
  return [
    put(keys.apiToken(id), token),
    put(keys.apiTokenRow(id)),
    ...(isAdministrator(token) ? [put(keys.administrator(id))] : []),
    { kind: 'put', item: { ...keys.apiTokenName(nameKey(name)), id } },
  ];
}

function revocationOf(token: ApiToken, revoked: Revocation, remaining: ApiToken | undefined): readonly (Action | Check)[] {
  const { id } = token;
  const until = secondsOf(keptUntil({ ...token, revoked }) ?? revoked.at);
  const end = { text: '#expiresAt = :until', values: { ':until': until } };
  return [
    {
      kind: 'update',
      key: keys.apiToken(id),
      change: { text: `SET #revoked = :revoked, ${end.text}`, values: { ':revoked': revoked, ...end.values } },
      guard: STANDS,
    },
    // With its id: the token of an older release has no row yet.
    {
      kind: 'update',
      key: keys.apiTokenRow(id),
      change: { text: `SET #id = :id, ${end.text}`, values: { ':id': id, ...end.values } },
    },
    ...(isAdministrator(token) ? [{ kind: 'delete', key: keys.administrator(id) } as const] : []),
    ...(remaining ? [{ kind: 'check', key: keys.apiToken(remaining.id), guard: STANDS } as const] : []),
  ];
}
