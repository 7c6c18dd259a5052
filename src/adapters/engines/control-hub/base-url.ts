/** Which Control Hub an organization is on: as configured, or as the login service says; and where it has moved to since. */
import * as z from 'zod';
import type { AllowedHosts } from './allowed-hosts.ts';
import { exchange, type ExchangeLimits, type Wire } from './exchange.ts';

export interface BaseUrl {
  /** Without a slash at its end. A reason where it cannot be told. */
  of(organizationId: string | undefined): Promise<Where>;
  /** Follows a redirect of the request for `path`: its new base, or why it is not followed. */
  moved(location: string | null, path: string): Where;
}

/** `final`: it will be the same the next moment. */
export type Where = { readonly url: string } | { readonly reason: string; readonly final: boolean };

const LOGIN = 'https://cloud.login.streamsets.com/api/security/public/v3/orgs';
const LANDING = '/security/public-rest/v1/aster/landing';
const Info = z.object({ data: z.object({ landingUrl: z.string() }) });

export function baseUrl(configured: string | undefined, hosts: AllowedHosts, wire: Wire, limits: ExchangeLimits): BaseUrl {
  let known = configured?.replace(/\/+$/, '');
  return {
    async of(organizationId) {
      if (known !== undefined) return { url: known };
      if (organizationId === undefined) {
        return { reason: 'the auth token does not name its organization, so the address of Control Hub must be configured', final: true };
      }
      // Nothing secret goes there: the call needs no credentials. [C:SDK]
      const asked = await exchange(
        wire,
        { url: new URL(`${LOGIN}/${encodeURIComponent(organizationId)}/info`), method: 'GET', headers: { 'X-Requested-By': 'Aster' } },
        limits,
      );
      if (asked.kind === 'none') {
        return { reason: `the login service cannot be asked for the address of Control Hub: ${asked.reason}`, final: false };
      }
      const url = asked.status === 200 ? landing(asked.text) : undefined;
      if (url === undefined || !hosts.allows(url)) {
        return { reason: `the login service answered ${asked.status} and no address that may be used`, final: true };
      }
      known = baseOf(url);
      return { url: known };
    },
    moved(location, path) {
      const url = urlOf(location ?? '');
      if (!url || !hosts.allows(url))
        return { reason: `a redirect to ${url?.host ?? 'nowhere'}, which is not an allowed host`, final: true };
      if (!url.pathname.endsWith(path)) return { reason: `a redirect to another path on ${url.host}`, final: true };
      known = `${url.origin}${url.pathname.slice(0, -path.length)}`;
      return { url: known };
    },
  };
}

function landing(text: string): URL | undefined {
  try {
    const info = Info.safeParse(JSON.parse(text));
    return info.success ? urlOf(info.data.data.landingUrl) : undefined;
  } catch {
    return undefined;
  }
}

const baseOf = ({ origin, pathname }: URL): string => `${origin}${pathname.replace(LANDING, '').replace(/\/+$/, '')}`;

const urlOf = (text: string): URL | undefined => (URL.canParse(text) ? new URL(text) : undefined);
