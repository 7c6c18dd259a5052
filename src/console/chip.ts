/** A state as an icon and its name: the colour only repeats what both say. */
import type { JobState, RunState } from './place.ts';
import { h, type Tree } from './tree.ts';

type Tone = 'quiet' | 'busy' | 'good' | 'mixed' | 'bad';

const LOOKS: Readonly<Record<RunState | JobState, readonly [string, Tone]>> = {
  ACCEPTED: ['○', 'quiet'],
  RUNNING: ['▶', 'busy'],
  CANCELLING: ['◌', 'mixed'],
  SUCCEEDED: ['✓', 'good'],
  PARTIAL: ['◐', 'mixed'],
  FAILED: ['✗', 'bad'],
  CANCELLED: ['⊘', 'quiet'],
  CREATED: ['○', 'quiet'],
  FINISHED: ['✓', 'good'],
  INDEXING: ['▶', 'busy'],
  VALIDATING: ['▶', 'busy'],
  VALIDATED: ['✓', 'good'],
  REJECTED: ['✗', 'bad'],
  FINALIZED: ['✓', 'good'],
  RETIRED: ['⊘', 'quiet'],
  RESET: ['↺', 'quiet'],
};

export function chip(state: RunState | JobState): Tree {
  const [icon, tone] = LOOKS[state];
  return h('span', { class: `chip ${tone}` }, h('span', { 'aria-hidden': 'true' }, icon), ` ${state}`);
}
