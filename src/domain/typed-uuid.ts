/**
 * Typed UUIDs of the PipelineJobs system (contracts/pipeline-jobs.md §2.2): UUIDv5 in one namespace, whose first three
 * hexadecimal digits say what kind of thing it names.
 */
export const UUID_TYPES = {
  generic: '100',
  experiment: '102',
  sample: '103',
  measurement: '104',
  pipeline: '106',
  job: '107',
  'experiment-design': '114',
} as const;
export type UuidType = keyof typeof UUID_TYPES;

/** SHA-1, which UUIDv5 is made of: a name for content, not a protection of anything. */
export type Sha1 = (bytes: Uint8Array) => Uint8Array;

/** uuid3 of `sd2e.org` among DNS names. */
const NAMESPACE = '54765aeb-44ca-374a-9a9f-eb4658383ee4';
const TYPED_UUID = /^1[0-9a-f]{7}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function typedUuid(sha1: Sha1, type: UuidType, text: string): string {
  const digest = sha1(new Uint8Array([...bytesOf(NAMESPACE), ...new TextEncoder().encode(text)])).slice(0, 16);
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x50;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const typed = `${UUID_TYPES[type]}${hex.slice(3)}`;
  return [typed.slice(0, 8), typed.slice(8, 12), typed.slice(12, 16), typed.slice(16, 20), typed.slice(20)].join('-');
}

/** Of any type, or of one. As in the original, the digit of the version is not looked at. */
export function isTypedUuid(text: string, type?: UuidType): boolean {
  return TYPED_UUID.test(text) && (type === undefined || text.startsWith(UUID_TYPES[type]));
}

function bytesOf(uuid: string): readonly number[] {
  return (uuid.replaceAll('-', '').match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
}

/** The 128-bit number that a UUID is. */
export const numberOf = (uuid: string): bigint => BigInt(`0x${uuid.replaceAll('-', '')}`);
