import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Secrets } from '#operations/job-ports';

const SECRET_BYTES = 32;
const TOKEN_ID_BYTES = 8;

export const nodeSecrets: Secrets = {
  newSecret: () => randomBytes(SECRET_BYTES).toString('base64url'),
  newTokenId: () => randomBytes(TOKEN_ID_BYTES).toString('hex'),
  digest: (secret) => createHash('sha256').update(secret).digest('hex'),
  equal: (digest, other) => timingSafeEqual(Buffer.from(digest, 'hex'), Buffer.from(other, 'hex')),
  sha1: (bytes) => createHash('sha1').update(bytes).digest(),
};
