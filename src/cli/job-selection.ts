/** Which jobs of a run: by why they failed, and by their sets. */
import { RetryRequest } from '#contract/run-request';
import { UsageError, type Flag, type Invocation } from './command.ts';

const REASONS = RetryRequest.shape.reasons.unwrap().element.options;

export const SELECTION_FLAGS: Readonly<Record<string, Flag>> = {
  failed: { help: 'jobs that failed: every one, unless the flags below say which' },
  reason: { value: 'REASON', multiple: true, help: `that failed for this reason: ${REASONS.join(', ')}` },
  index: { value: 'NUMBER', multiple: true, help: 'of the set at this place, counted from 0' },
  'set-key': { value: 'KEY', multiple: true, help: 'of the set of this key (job view tells it)' },
};

/** Undefined where none of the flags is given. An empty selection is every job that failed. */
export function selectionOf(invocation: Invocation): RetryRequest | undefined {
  const { given } = invocation;
  const all = (flag: string): readonly string[] => given.flatMap(({ name, value }) => (name === flag ? [value ?? ''] : []));
  const [reasons, indexes, setKeys] = [all('reason').map(reasonOf), all('index').map(indexOf), all('set-key')];
  if (!invocation.has('failed') && reasons.length + indexes.length + setKeys.length === 0) return undefined;
  return {
    ...(reasons.length > 0 ? { reasons } : {}),
    ...(indexes.length > 0 ? { indexes } : {}),
    ...(setKeys.length > 0 ? { 'set-keys': [...setKeys] } : {}),
  };
}

function reasonOf(word: string): (typeof REASONS)[number] {
  const reason = REASONS.find((each) => each === word.toLowerCase());
  if (reason === undefined) throw new UsageError(`--reason knows no "${word}"; it takes ${REASONS.join(', ')}`);
  return reason;
}

function indexOf(word: string): number {
  if (!/^[0-9]{1,5}$/.test(word)) throw new UsageError(`--index must be the place of a set, counted from 0, not "${word}"`);
  return Number(word);
}
