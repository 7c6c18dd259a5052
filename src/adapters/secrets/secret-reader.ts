/**
 * Reads secrets where they are kept, by reference: `env:NAME`, `file:path`, `ssm:name`, `secretsmanager:name`. A reference may be
 * logged and stored, what it leads to may not: it is remembered in this process for a while, and is in no error.
 */
import type { Secrets } from '#operations/ports';

/** Reads one kind of references; rejects with a reason that holds no secret. Undefined: there is no such secret. */
export type ReadSecret = (name: string) => Promise<string | undefined>;

export const SECRET_KINDS = ['env', 'file', 'ssm', 'secretsmanager'] as const;
export type SecretKind = (typeof SECRET_KINDS)[number];

export interface SecretReaderOptions {
  readonly kinds: Readonly<Record<SecretKind, ReadSecret>>;
  readonly nowMs: () => number;
  readonly rememberedMs?: number;
}

/** A secret that was changed is used after this at the latest, and at once where it is not taken any more (`renew`). */
const REMEMBERED_MS = 300_000;

interface Remembered {
  readonly value: Promise<string>;
  readonly untilMs: number;
}

export function secretReader({ kinds, nowMs, rememberedMs = REMEMBERED_MS }: SecretReaderOptions): Secrets {
  const remembered = new Map<string, Remembered>();
  const renew = (reference: string): Promise<string> => {
    const value = readSecret(kinds, reference);
    remembered.set(reference, { value, untilMs: nowMs() + rememberedMs });
    // What could not be read is asked for again by the next who needs it.
    value.catch(() => {
      if (remembered.get(reference)?.value === value) remembered.delete(reference);
    });
    return value;
  };
  return {
    renew,
    resolve(reference) {
      const known = remembered.get(reference);
      return known && known.untilMs > nowMs() ? known.value : renew(reference);
    },
  };
}

async function readSecret(kinds: SecretReaderOptions['kinds'], reference: string): Promise<string> {
  const parsed = parsedReference(reference);
  // What is no reference may be a secret that somebody has put in the place of one.
  if (!parsed) throw new Error(`a secret is named by ${SECRET_KINDS.map((kind) => `${kind}:…`).join(', ')}, and not by what was given`);
  let value: string | undefined;
  try {
    value = await kinds[parsed.kind](parsed.name);
  } catch (error) {
    throw new Error(`the secret ${reference} cannot be read: ${error instanceof Error ? error.message : 'unknown fault'}`, {
      cause: error,
    });
  }
  const text = value?.trim();
  if (text === undefined || text === '') throw new Error(`the secret ${reference} is not set`);
  return text;
}

export function parsedReference(reference: string): { readonly kind: SecretKind; readonly name: string } | undefined {
  const at = reference.indexOf(':');
  const kind = SECRET_KINDS.find((each) => each === reference.slice(0, at));
  const name = reference.slice(at + 1);
  return kind === undefined || name === '' ? undefined : { kind, name };
}
