import { createHash } from 'node:crypto';
import type { Sha1 } from '#domain/typed-uuid';

export const nodeSha1: Sha1 = (bytes) => createHash('sha1').update(bytes).digest();
