/**
 * A task token says where its task is and carries the secret that the journal holds for this one try: it needs no table of its own,
 * survives a restart, and a token of an earlier try no longer fits.
 */
export interface TaskAddress {
  readonly rootKey: string;
  /** Undefined: the top-level execution. */
  readonly ordinal: number | undefined;
  readonly thread: number;
  readonly secret: string;
}

export function encodeToken({ rootKey, ordinal, thread, secret }: TaskAddress): string {
  return Buffer.from([rootKey, ordinal ?? '', thread, secret].join('|')).toString('base64url');
}

export function decodeToken(token: string): TaskAddress | undefined {
  const [rootKey, ordinal, thread, secret, ...rest] = Buffer.from(token, 'base64url').toString().split('|');
  if (rootKey === undefined || ordinal === undefined || thread === undefined || secret === undefined || rest.length > 0) return undefined;
  if (!rootKey.includes('/') || !/^\d*$/.test(ordinal) || !/^\d+$/.test(thread) || secret === '') return undefined;
  return { rootKey, ordinal: ordinal === '' ? undefined : Number(ordinal), thread: Number(thread), secret };
}
