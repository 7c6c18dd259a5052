import { createHash } from 'node:crypto';
import canonicalizeModule from 'canonicalize';
import type { Digest } from '#operations/ports';

// The package is CommonJS and its types say ES module: the function is the default export for bundlers, and for Node.
const canonicalize = canonicalizeModule;

/** SHA-256 of the canonical form of RFC 8785. */
export const canonicalDigest: Digest = (value) =>
  createHash('sha256')
    .update(canonicalize(value) ?? '')
    .digest('hex');
