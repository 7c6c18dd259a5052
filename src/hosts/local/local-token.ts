/**
 * The API token of a local host: made on the first start, kept where only its owner can read it, known to the table by digest.
 * Where its file is gone or belongs to another table, a new one is made and the one before is revoked.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { SCOPES } from '#domain/api-token';
import { bearerOf, digestOfSecret, newSecret, tokenText } from '#hosts/lambda/authentication';
import type { Ports } from '#operations/ports';

const NAME = 'local';

export async function localToken(
  { apiTokens, clock, randomness }: Pick<Ports, 'apiTokens' | 'clock' | 'randomness'>,
  file: string,
): Promise<string> {
  if (existsSync(file)) {
    const token = readFileSync(file, 'utf8').trim();
    const bearer = bearerOf(`Bearer ${token}`);
    const known = bearer && (await apiTokens.find(bearer.id));
    // Unknown: the data directory was emptied by hand. Revoked: by API, and a start gives the machine's owner a new one.
    if (bearer && known && !known.revoked && known.secretDigest === digestOfSecret(bearer.secret)) {
      // Of a release that listed no tokens.
      if (known.createdAt === undefined) await apiTokens.put({ ...known, createdAt: clock.now(), createdBy: NAME });
      return token;
    }
  }
  const now = clock.now();
  const before = await apiTokens.named(NAME);
  if (before) await apiTokens.revoke(before, { at: now, by: NAME });
  const id = randomness.newUlid(now);
  const secret = newSecret();
  await apiTokens.put({ id, name: NAME, secretDigest: digestOfSecret(secret), scopes: SCOPES, createdAt: now, createdBy: NAME });
  const token = tokenText(id, secret);
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  return token;
}
