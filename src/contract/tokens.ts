/** API tokens as the API spells them. A token's text is in one answer only: the one that made it. */
import * as z from 'zod';
import { keptUntil, SCOPES, TOKEN_NAME, TOKEN_NAME_LENGTH, tokenState, type ApiToken } from '#domain/api-token';
import { epochMs, instant, type Instant } from '#domain/ids';
import { InstantText, Time } from './instants.ts';

const LONGEST_SECONDS = 10 * 365 * 86_400;

const name = z
  .string()
  .max(TOKEN_NAME_LENGTH, `must have at most ${TOKEN_NAME_LENGTH} characters`)
  .regex(TOKEN_NAME, 'must be ASCII letters, digits and . _ @ + : / - in words apart by one space, and begin with a letter or digit');
const expiresIn = z.int().min(60, 'must be at least 60').max(LONGEST_SECONDS, `must be at most ${LONGEST_SECONDS}: ten years`);

export const TokenRequest = z
  .strictObject({
    name,
    scopes: z
      .array(z.enum(SCOPES))
      .min(1, 'must not be empty')
      .refine((scopes) => new Set(scopes).size === scopes.length, 'must name no scope twice'),
    'expires-in-seconds': expiresIn.exactOptional(),
    'expires-at': Time.exactOptional(),
  })
  .refine((asked) => asked['expires-in-seconds'] === undefined || asked['expires-at'] === undefined, {
    path: ['expires-at'],
    message: 'says the same as expires-in-seconds: give one of them',
  });
export type TokenRequest = z.input<typeof TokenRequest>;
export type ParsedTokenRequest = z.output<typeof TokenRequest>;

/** What `createAdminToken` is invoked with. A day is enough to make tokens that stay. */
export const AdminTokenRequest = z.strictObject({ name, 'expires-in-seconds': expiresIn.default(86_400) });

export const TokenView = z.object({
  'token-id': z.string(),
  name: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  state: z.enum(['active', 'expired', 'revoked']),
  'created-at': InstantText.exactOptional(),
  'created-by': z.string().exactOptional(),
  'expires-at': InstantText.exactOptional(),
  'revoked-at': InstantText.exactOptional(),
  'revoked-by': z.string().exactOptional(),
  /** To the minute. */
  'last-used-at': InstantText.exactOptional(),
  /** The caller's address. */
  'last-used-from': z.string().exactOptional(),
  /** Until when it is listed, once it has an end. */
  'kept-until': InstantText.exactOptional(),
});
export type TokenView = z.infer<typeof TokenView>;

/** The answer to making one. `token` is shown here and never again. */
export const TokenCreated = TokenView.extend({ token: z.string() });
export type TokenCreated = z.infer<typeof TokenCreated>;

/** When the token ends that was asked for at `now`; undefined: when it is revoked. */
export function validUntilOf(asked: Pick<ParsedTokenRequest, 'expires-at' | 'expires-in-seconds'>, now: Instant): Instant | undefined {
  const seconds = asked['expires-in-seconds'];
  return seconds === undefined ? asked['expires-at'] : instant(epochMs(now) + seconds * 1000);
}

export function tokenView(token: ApiToken, now: Instant): TokenView {
  const { createdAt, createdBy, validUntil, revoked, lastUse } = token;
  const kept = keptUntil(token);
  return {
    'token-id': token.id,
    name: token.name,
    scopes: [...token.scopes],
    state: tokenState(token, now),
    ...(createdAt === undefined ? {} : { 'created-at': createdAt }),
    ...(createdBy === undefined ? {} : { 'created-by': createdBy }),
    ...(validUntil === undefined ? {} : { 'expires-at': validUntil }),
    ...(revoked ? { 'revoked-at': revoked.at, 'revoked-by': revoked.by } : {}),
    ...(lastUse ? { 'last-used-at': lastUse.at, 'last-used-from': lastUse.from } : {}),
    ...(kept === undefined ? {} : { 'kept-until': kept }),
  };
}
