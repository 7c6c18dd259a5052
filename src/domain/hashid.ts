/**
 * Hashids (hashids.org, algorithm 1.0) of one number, with the default alphabet: the elements of archive paths. Only this
 * direction, because nobody reads a path back.
 */
const ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890';
const SEPARATORS = 'cfhistuCFHISTU';
const RATIO_GUARDS = 12;

export function hashid(value: bigint, salt: string): string {
  const alphabet = prepared(salt);
  const hash = value % 100n;
  const lottery = alphabet[Number(hash % BigInt(alphabet.length))] ?? '';
  const shuffled = shuffle(alphabet, `${lottery}${salt}${alphabet}`.slice(0, alphabet.length));
  let digits = '';
  const base = BigInt(shuffled.length);
  for (let rest = value; digits === '' || rest > 0n; rest /= base) digits = `${shuffled[Number(rest % base)] ?? ''}${digits}`;
  return `${lottery}${digits}`;
}

/**
 * Without the characters that separate numbers, of which there is one, and those that guard short hashes, which none is. Of the
 * default alphabet 48 are left, which is just the ratio at which no more become separators.
 */
function prepared(salt: string): string {
  const alphabet = shuffle(Array.from(ALPHABET, (character) => (SEPARATORS.includes(character) ? '' : character)).join(''), salt);
  return alphabet.slice(Math.ceil(alphabet.length / RATIO_GUARDS));
}

/** The algorithm's consistent shuffle. */
function shuffle(text: string, salt: string): string {
  if (salt === '') return text;
  const characters = Array.from(text);
  for (let index = characters.length - 1, position = 0, sum = 0; index > 0; index -= 1, position = (position + 1) % salt.length) {
    const code = salt.charCodeAt(position);
    sum += code;
    const other = (code + position + sum) % index;
    [characters[index], characters[other]] = [characters[other] ?? '', characters[index] ?? ''];
  }
  return characters.join('');
}
