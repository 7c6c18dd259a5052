/** The API token of a local host: made on the first start, kept where only its owner can read it, known to the table by digest. */
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { digestOfSecret } from '#hosts/lambda/authentication';
import { SCOPES, type ApiTokenStore } from '#operations/ports';

export async function localToken(tokens: ApiTokenStore, file: string): Promise<string> {
  if (existsSync(file)) {
    const token = readFileSync(file, 'utf8').trim();
    const [, id] = /^slc_([A-Za-z0-9]+)\./.exec(token) ?? [];
    // A token file beside a table that does not know it: the data directory was emptied by hand.
    if (id !== undefined && (await tokens.find(id))) return token;
  }
  const id = randomBytes(8).toString('hex');
  const secret = randomBytes(32).toString('base64url');
  await tokens.put({ id, name: 'local', secretDigest: digestOfSecret(secret), scopes: SCOPES });
  const token = `slc_${id}.${secret}`;
  writeFileSync(file, `${token}\n`, { mode: 0o600 });
  return token;
}
