/** The credentials of a call: resolved when they are needed, and again when Control Hub does not take them any more. */
import * as z from 'zod';
import type { Secrets } from '#operations/ports';
import { scrubber } from './error-text.ts';

export interface HubCredentials {
  readonly id: string;
  readonly token: string;
  /** From the token, where it is a JWT that says so (claim `o`, contract §1). */
  readonly organizationId?: string;
  readonly scrub: (text: string) => string;
}

export interface CredentialSource {
  /** Rejects where a secret cannot be read. */
  current(): Promise<HubCredentials>;
  /** As `current`, past every cache. */
  renewed(): Promise<HubCredentials>;
}

export function hubCredentials(id: string, token: string): HubCredentials {
  const organizationId = organizationOf(token);
  return { id, token, scrub: scrubber([token, id, ...partsOf(token)]), ...(organizationId === undefined ? {} : { organizationId }) };
}

/** `id` may be given itself, or by reference; the token is given by reference alone. */
export function referredCredentials(
  { id, token }: { readonly id: { readonly value: string } | { readonly reference: string }; readonly token: string },
  secrets: Secrets,
): CredentialSource {
  const read = async (resolve: (reference: string) => Promise<string>): Promise<HubCredentials> => {
    const [componentId, authToken] = await Promise.all(['value' in id ? id.value : resolve(id.reference), resolve(token)]);
    for (const [what, value] of [
      ['id', componentId],
      ['auth token', authToken],
    ] as const) {
      // A line break in its middle, say. No request could be made of it, and what a library says of that may hold it.
      if (!/^[\x21-\x7e]+$/.test(value)) throw new Error(`the ${what} holds characters that no header may have`);
    }
    return hubCredentials(componentId, authToken);
  };
  return { current: () => read((reference) => secrets.resolve(reference)), renewed: () => read((reference) => secrets.renew(reference)) };
}

/** A text that is cut, or a JWT that somebody has taken apart, still holds a part of it. */
const partsOf = (token: string): readonly string[] => token.split('.').filter((part) => part.length >= 16);

const Claims = z.object({ o: z.string().min(1) });

function organizationOf(token: string): string | undefined {
  const payload = token.split('.')[1];
  if (payload === undefined) return undefined;
  try {
    const claims = Claims.safeParse(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
    return claims.success ? claims.data.o : undefined;
  } catch {
    return undefined;
  }
}

/** As every request carries them. [C:SDK] */
export function credentialHeaders({ id, token, organizationId }: HubCredentials): Readonly<Record<string, string>> {
  return {
    'X-SS-App-Component-Id': id,
    'X-SS-App-Auth-Token': token,
    'X-Requested-By': 'sluice',
    'X-SS-REST-CALL': 'true',
    'Content-Type': 'application/json',
    Accept: 'application/json',
    ...(organizationId === undefined ? {} : { 'X-SS-Org-Id': organizationId }),
  };
}
