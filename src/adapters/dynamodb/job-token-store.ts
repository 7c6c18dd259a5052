/** Tokens of jobs, beside the history of their job: whoever looks for one has to name its job. */
import { StoredJobToken, StoredJobTokenMarks } from '#contract/stored-reported';
import { epochMs, type AnyJobId } from '#domain/ids';
import type { JobToken } from '#domain/job-token';
import type { JobTokenStore } from '#operations/job-ports';
import { decode, decodeDocument, documentItem } from './decoding.ts';
import { useAction } from './job-event-store.ts';
import { keys } from './keys.ts';
import type { Item, Table } from './table.ts';

/** What has expired is shown for a while. */
const SHOWN_SECONDS = 30 * 86_400;

export function tokenItemOf(job: AnyJobId, { revoked: _revoked, lastUse: _lastUse, ...issued }: JobToken): Item {
  const expiresAt = Math.ceil(epochMs(issued.expiresAt) / 1000) + SHOWN_SECONDS;
  return documentItem(keys.jobToken(job, issued.id), issued, { expiresAt });
}

export function dynamoJobTokenStore(table: Table): JobTokenStore {
  return {
    async find(job, tokenId) {
      const item = await table.get(keys.jobToken(job, tokenId));
      return item && tokenOf(item);
    },
    async put(job, token) {
      await table.write({ kind: 'put', item: tokenItemOf(job, token) });
    },
    async list(job) {
      const items = await table.queryAll({ pk: keys.jobItems(job), prefix: keys.jobTokenPrefix, consistent: true });
      return items.map(tokenOf).toSorted((one, other) => (one.issuedAt < other.issuedAt ? -1 : 1));
    },
    async revoke(job, tokenId, { at, by }) {
      // The first revocation stays: repeating it says nothing new.
      const change = {
        text: 'SET #revokedAt = if_not_exists(#revokedAt, :at), #revokedBy = if_not_exists(#revokedBy, :by)',
        values: { ':at': at, ':by': by },
      };
      const guard = { text: 'attribute_exists(pk)' };
      const outcome = await table.write({ kind: 'update', key: keys.jobToken(job, tokenId), change, guard });
      return outcome.kind === 'done' ? 'revoked' : 'gone';
    },
    async recordUse(job, tokenId, use) {
      await table.write(useAction(job, { tokenId, ...use }));
    },
  };
}

function tokenOf(item: Item): JobToken {
  const { revokedAt, revokedBy, usedAt, usedFrom } = decode(StoredJobTokenMarks, item);
  return {
    ...decodeDocument(StoredJobToken, item),
    ...(revokedAt === undefined ? {} : { revoked: { at: revokedAt, by: revokedBy ?? '' } }),
    ...(usedAt === undefined ? {} : { lastUse: { at: usedAt, from: usedFrom ?? '' } }),
  };
}
