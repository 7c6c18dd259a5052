/** Control Hub's own words about an error, bounded, and without anything that must not be repeated. */
import * as z from 'zod';

export interface ErrorText {
  /** `JOBRUNNER_72`; absent where the body was no `ISSUES`. */
  readonly code?: string;
  readonly message: string;
}

/** What is kept of an engine's words: a stack trace is no message, and a job's item has its limit. */
export const MOST_CHARACTERS = 2000;

/** Of a body of megabytes the rest is never told. Far more than is kept: a secret that is cut here is cut off below. */
const MOST_SCRUBBED = 50_000;

const Issues = z.object({ ISSUES: z.array(z.object({ code: z.string().nullish(), message: z.string().nullish() })).min(1) });
/** A request that was tunnelled to an engine, or the login service. Contract §7. */
const Remote = z.object({ RemoteException: z.object({ errorCode: z.string().nullish(), localizedMessage: z.string().nullish() }) });
const Login = z.object({ errors: z.array(z.object({ message: z.string() })).min(1) });

/** Of a body that may be `ISSUES`, something else that is JSON, text, or a gateway's HTML. */
export function errorText(body: string, scrub: (text: string) => string): ErrorText {
  const told = toldBy(parsed(body)) ?? { message: plain(body) };
  const message = bounded(scrub(flat(told.message).slice(0, MOST_SCRUBBED)));
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
  const line = flat(text);
  return line.length <= MOST_CHARACTERS ? line : `${line.slice(0, MOST_CHARACTERS - 1)}…`;
}

const flat = (text: string): string => text.replace(/\s+/g, ' ').trim();

/**
 * Takes the secrets out of a text: in whatever case, also where they are encoded for a URL or, alone or within something longer, in
 * base64; and whatever stands behind the name of a header that carries one, which may be a secret of another time.
 */
export function scrubber(secrets: readonly string[]): (text: string) => string {
  let known: RegExp | undefined;
  return (text) => {
    known ??= anyOf(secrets.filter((secret) => secret.length >= 4).flatMap(formsOf));
    return text.replace(known, '***').replace(CARRIED, '$1***');
  };
}

/** A word behind a header's name is shorter: "X-SS-App-Auth-Token: missing". */
const CARRIED =
  /((?:x-ss-app-auth-token|x-ss-app-component-id|x-ss-user-auth-token|authorization)["']?\s*[:=]\s*["']?(?:bearer\s+|basic\s+)?)[^\s"',;}]{12,}/gi;

function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const whole = [bytes.toString('base64'), bytes.toString('base64url')];
  const within = [0, 1, 2].flatMap((offset) => base64Within(bytes, offset));
  return [secret, encodeURIComponent(secret), ...whole, ...within];
}

/** As it stands in base64 behind so many bytes (modulo 3) of something else: the characters that are made of it alone. */
function base64Within(bytes: Buffer, offset: number): readonly string[] {
  const all = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
  const own = all.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
  return [own, own.replaceAll('+', '-').replaceAll('/', '_')];
}

/** The longest first: a part of what another one takes whole would leave its rest. */
function anyOf(texts: readonly string[]): RegExp {
  const escaped = [...new Set(texts)]
    .toSorted((a, b) => b.length - a.length)
    .map((text) => text.replaceAll(/[$()*+.?[\\\]^{|}/]/g, String.raw`\$&`));
  return new RegExp(escaped.length === 0 ? '(?!)' : escaped.join('|'), 'gi');
}
