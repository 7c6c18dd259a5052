/** `If-Match` and `If-None-Match` (RFC 9110, 13.1) of what has a version: its entity tag is that number, in quotes. */
import type { Precondition, Versions } from '#operations/precondition';
import { problem, type HttpReply } from './replies.ts';

export const etagOf = (version: number): string => `"${version}"`;

interface WithHeaders {
  header(name: string): string | undefined;
}

/** What the headers ask for, or the reply that says what is wrong with them. */
export function preconditionOf(
  request: WithHeaders,
): { readonly kind: 'precondition'; readonly precondition: Precondition } | { readonly kind: 'refused'; readonly reply: HttpReply } {
  const ifMatch = versionsOf(request.header('if-match'), 'strong');
  const ifNoneMatch = versionsOf(request.header('if-none-match'), 'weak');
  if (ifMatch === 'malformed' || ifNoneMatch === 'malformed') {
    const pointer = ifMatch === 'malformed' ? 'if-match' : 'if-none-match';
    const message = 'must be * or entity tags, which are in quotes: "3"';
    return { kind: 'refused', reply: problem('invalid-request', `${pointer} ${message}`, [{ pointer, rule: 'format', message }]) };
  }
  const precondition = { ...(ifMatch === undefined ? {} : { ifMatch }), ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }) };
  return { kind: 'precondition', precondition };
}

export function preconditionFailed(version: number | undefined): HttpReply {
  if (version === undefined) return problem('precondition-failed', 'nothing is there');
  const refused = problem('precondition-failed', `the newest version is ${version}`);
  return { ...refused, headers: { ...refused.headers, etag: etagOf(version) } };
}

/** 304 where the caller has this version already; undefined where it has to be sent. A header that cannot be read asks for nothing. */
export function notModified(request: WithHeaders, version: number): HttpReply | undefined {
  const seen = versionsOf(request.header('if-none-match'), 'weak');
  const isSeen = seen === 'any' || (seen !== undefined && seen !== 'malformed' && seen.includes(version));
  return isSeen ? { statusCode: 304, headers: { etag: etagOf(version) } } : undefined;
}

const TAG = String.raw`(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"`;
const TAGS = new RegExp(String.raw`^\s*${TAG}(?:\s*,\s*${TAG})*\s*$`);

/** A tag that is none of ours stays out: it is met by nothing. By the strong comparison, so is a weak one. */
function versionsOf(text: string | undefined, comparison: 'strong' | 'weak'): Versions | 'malformed' | undefined {
  if (text === undefined) return undefined;
  if (text.trim() === '*') return 'any';
  if (!TAGS.test(text)) return 'malformed';
  const ours = comparison === 'weak' ? /(?<=^|[\s,])(?:W\/)?"([1-9][0-9]{0,8})"/g : /(?<=^|[\s,])"([1-9][0-9]{0,8})"/g;
  return [...text.matchAll(ours)].map(([, version]) => Number(version));
}
