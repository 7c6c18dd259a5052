/**
 * Where the credentials may be sent. Control Hub tells clients of an organization that has moved with a 308, and a redirect that was
 * followed anywhere would carry the token anywhere: only hosts of StreamSets and those that the configuration names are followed.
 */

export interface AllowedHosts {
  allows(url: URL): boolean;
}

/** `hosts`: `host` or `host:port` of configured addresses. Plain HTTP is for a simulator on this machine. */
export function allowedHosts(hosts: readonly string[]): AllowedHosts {
  const named = new Set(hosts.map((host) => host.toLowerCase()));
  return {
    allows({ protocol, hostname, host, username, password }) {
      if (username !== '' || password !== '') return false;
      if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(hostname))) return false;
      return hostname.endsWith('.hub.streamsets.com') || named.has(host) || named.has(hostname);
    },
  };
}

export const isLoopback = (hostname: string): boolean =>
  hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname);
