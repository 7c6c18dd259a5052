import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { TokenSecrets } from '#operations/job-ports';

const SECRET_BYTES = 32;
const TOKEN_ID_BYTES = 8;

export const nodeTokenSecrets: TokenSecrets = {
  newSecret: () => randomBytes(SECRET_BYTES).toString('base64url'),
  newTokenId: () => randomBytes(TOKEN_ID_BYTES).toString('hex'),
  digest: (secret) => createHash('sha256').update(secret).digest('hex'),
  equal: (digest, other) => timingSafeEqual(Buffer.from(digest, 'hex'), Buffer.from(other, 'hex')),
};
