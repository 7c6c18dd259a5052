/**
 * What must hold whenever slots are held: nobody takes more than what is free as he sees it, nor more starts than there are. The
 * first needs clocks that agree (world.ts).
 */
import type { Action, Check } from '#adapters/dynamodb/table';
import { isUnderWay } from '#domain/deadlines';
import type { Run } from '#domain/run';
import type { Seen } from './commit-checks.ts';
import type { Scenario } from './scenario.ts';
import type { Verdict } from './trace.ts';

interface Holder {
  readonly held: number;
  readonly until: string;
}

export interface SlotChecksInput {
  readonly verdict: Verdict;
  readonly seen: Seen;
  readonly scenario: Scenario;
  readonly clocksAgree: boolean;
}

/** `now` is what the clock of whoever writes says. */
export type SlotsCommitted = (actions: readonly (Action | Check)[], now: string) => void;

export function slotChecks({ verdict, seen, scenario, clocksAgree }: SlotChecksInput): SlotsCommitted {
  const holders = new Map<string, Map<string, Holder>>();
  return (actions, now) => {
    for (const action of actions) {
      const { pk, sk } = action.kind === 'put' ? action.item : action.key;
      if (pk === 'SLOTS' && action.kind === 'put' && Number(action.item['starts'] ?? 0) < 0)
        verdict.fail(`${sk} has ${String(action.item['starts'])} starts left`);
      if (!pk.startsWith('SLOTS#') || !clocksAgree) continue;
      const resource = pk.slice('SLOTS#'.length);
      const ofResource = holders.get(resource) ?? new Map<string, Holder>();
      holders.set(resource, ofResource);
      if (action.kind !== 'put') {
        ofResource.delete(sk);
        continue;
      }
      const { held, until } = action.item as unknown as Holder;
      const before = ofResource.get(sk)?.held ?? 0;
      ofResource.set(sk, { held, until });
      const inUse = [...ofResource].reduce((sum, [run, holder]) => sum + (run === sk || holder.until > now ? holder.held : 0), 0);
      const maxParallel = mostParallel(scenario, resource);
      if (inUse <= maxParallel || held <= before) continue;
      const run = seen.runs.get(sk) as Run;
      const underWay = seen.jobsOf(run).filter(({ job }) => isUnderWay(job)).length;
      if (held > underWay) verdict.fail(`${sk} took ${held} slots of ${resource}, of which ${inUse} of ${maxParallel} are in use then`);
    }
  };
}

function mostParallel({ templates, engineLimits }: Scenario, resource: string): number {
  const [kind, name = ''] = resource.split(':');
  const most = kind === 'engine' ? engineLimits[name]?.maxParallel : templates.find(({ id }) => id === name)?.limits.maxParallelAcrossRuns;
  return most ?? Infinity;
}
