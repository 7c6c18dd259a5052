/** What a caller says about the version that it means to change or has seen (RFC 9110, 13.1). What is given must hold. */
export interface Precondition {
  /** It is there, in one of these versions. */
  readonly ifMatch?: Versions;
  /** It is not there in any of these versions. */
  readonly ifNoneMatch?: Versions;
}

export type Versions = 'any' | readonly number[];

/** `version` of what is there now; undefined where nothing is. */
export function holds({ ifMatch, ifNoneMatch }: Precondition, version: number | undefined): boolean {
  return (ifMatch === undefined || isAmong(ifMatch, version)) && (ifNoneMatch === undefined || !isAmong(ifNoneMatch, version));
}

function isAmong(versions: Versions, version: number | undefined): boolean {
  return version !== undefined && (versions === 'any' || versions.includes(version));
}
