/** Control Hub's own words about an error, bounded, and without anything that must not be repeated. */
import * as z from 'zod';

export interface ErrorText {
  /** `JOBRUNNER_72`; absent where the body was no `ISSUES`. */
  readonly code?: string;
  readonly message: string;
}

/** What is kept of an engine's words: a stack trace is no message, and a job's item has its limit. */
export const MOST_CHARACTERS = 2000;

const Issues = z.object({ ISSUES: z.array(z.object({ code: z.string().nullish(), message: z.string().nullish() })).min(1) });
/** A request that was tunnelled to an engine, or the login service. Contract §7. */
const Remote = z.object({ RemoteException: z.object({ errorCode: z.string().nullish(), localizedMessage: z.string().nullish() }) });
const Login = z.object({ errors: z.array(z.object({ message: z.string() })).min(1) });

/** Of a body that may be `ISSUES`, something else that is JSON, text, or a gateway's HTML. */
export function errorText(body: string, scrub: (text: string) => string): ErrorText {
  const told = toldBy(parsed(body)) ?? { message: plain(body) };
  const message = bounded(scrub(told.message));
  return told.code === undefined ? { message } : { code: bounded(scrub(told.code)), message };
}

function toldBy(value: unknown): ErrorText | undefined {
  const issues = Issues.safeParse(value);
  if (issues.success) {
    const texts = issues.data.ISSUES.map(({ code, message }) => [code, message].filter((part) => part != null && part !== '').join(': '));
    const code = issues.data.ISSUES[0]?.code;
    return { ...(code == null ? {} : { code }), message: texts.join('; ') };
  }
  const remote = Remote.safeParse(value);
  if (remote.success) {
    const { errorCode, localizedMessage } = remote.data.RemoteException;
    return { ...(errorCode == null ? {} : { code: errorCode }), message: localizedMessage ?? errorCode ?? 'a remote exception' };
  }
  const login = Login.safeParse(value);
  return login.success ? { message: login.data.errors.map(({ message }) => message).join('; ') } : undefined;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** A page of HTML says what it says in its title, if anywhere. */
function plain(body: string): string {
  if (!/^\s*</.test(body)) return body.trim();
  const title = /<title[^>]*>([^<]{1,200})<\/title>/i.exec(body)?.[1]?.trim();
  return title === undefined || title === '' ? 'an HTML page' : `an HTML page: ${title}`;
}

export function bounded(text: string): string {
  const flat = text.replace(/\s+/g, ' ').trim();
  return flat.length <= MOST_CHARACTERS ? flat : `${flat.slice(0, MOST_CHARACTERS - 1)}…`;
}

/** Takes the secrets out of a text, in whatever case and also where it was encoded for a URL or a header. */
export function scrubber(secrets: readonly string[]): (text: string) => string {
  const forms = secrets
    .filter((secret) => secret.length >= 4)
    .flatMap((secret) => [secret, encodeURIComponent(secret), Buffer.from(secret).toString('base64')])
    .sort((a, b) => b.length - a.length);
  return (text) => forms.reduce((scrubbed, form) => scrubbed.replaceAll(form, '***'), text);
}
