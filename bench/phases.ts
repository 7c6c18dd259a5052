/** What an item is, and in which phase of a job or a run it is written: the lines of the bill. */
import type { StoredItem } from './capacity.ts';

/** By its key (src/adapters/dynamodb/keys.ts): `JOB`, `OPEN`, `EVENT`, … */
export function kindOf(pk: string, sk: string): string {
  const [partition = ''] = pk.split('#');
  switch (partition) {
    case 'RUN':
    case 'JOB':
    case 'TEMPLATE':
      return sk.split('#')[0] ?? '';
    case 'RUNS':
      return 'LIST';
    case 'USER':
      return 'RUNKEY';
    default:
      return partition;
  }
}

/** Phases of one job's life, in order; what is written in any other phase belongs to its run. */
export const JOB_PHASES = ['creation', 'start', 'recorded', 'run event', 'finish', 'close'] as const;
export type Phase = (typeof JOB_PHASES)[number] | 'acceptance' | 'plan' | 'tick lease' | 'run end' | 'other';

export interface WrittenItem {
  readonly functionName: string;
  readonly kind: string;
  readonly item?: StoredItem;
}

export function phaseOf({ functionName, kind, item }: WrittenItem): Phase {
  switch (kind) {
    case 'JOB':
    case 'OPEN':
      // What is not put is taken away.
      return item ? phaseOfJob(documentOf(item) as StoredJobPart) : 'close';
    case 'EVENT':
      return phaseOfEvent((documentOf(item) as { readonly name?: string }).name);
    case 'TOKEN':
      return item ? 'start' : 'close';
    case 'PARAMETERS':
    case 'SET':
      return 'creation';
    case 'COUNTS':
    case 'METRICS':
      return 'finish';
    case 'TICK':
      return 'tick lease';
    default:
      return PHASE_OF_FUNCTION[functionName] ?? 'other';
  }
}

const PHASE_OF_FUNCTION: Readonly<Record<string, Phase>> = {
  runs: 'acceptance',
  planRun: 'plan',
  pollRun: 'run end',
  finishRun: 'run end',
};

interface StoredJobPart {
  readonly lastEvent?: string;
  readonly start?: { readonly intentAt?: string; readonly engineJobId?: string };
}

function phaseOfJob({ lastEvent, start = {} }: StoredJobPart): Phase {
  if (lastEvent !== 'create') return phaseOfEvent(lastEvent);
  if (start.engineJobId !== undefined) return 'recorded';
  return start.intentAt === undefined ? 'creation' : 'start';
}

function phaseOfEvent(name: string | undefined): Phase {
  return (name === undefined ? undefined : PHASE_OF_EVENT[name]) ?? 'other';
}

const PHASE_OF_EVENT: Readonly<Record<string, Phase>> = { create: 'creation', run: 'run event', finish: 'finish', fail: 'finish' };

function documentOf(item: StoredItem | undefined): unknown {
  return JSON.parse(item?.['body']?.S ?? '{}');
}
