import { StoredApiToken } from '#contract/stored';
import type { ApiTokenStore } from '#operations/ports';
import { decode } from './decoding.ts';
import { keys } from './keys.ts';
import type { Table } from './table.ts';

export function dynamoApiTokenStore(table: Table): ApiTokenStore {
  return {
    async find(id) {
      const item = await table.get(keys.apiToken(id));
      return item && decode(StoredApiToken, item);
    },
    async put(token) {
      // Unguarded: ids are random, and whoever may write tokens may replace one.
      await table.write({ kind: 'put', item: { ...keys.apiToken(token.id), ...token } });
    },
  };
}
