/** A plan as text: what would be started, what it is expected to take, and the first sets as their jobs would be given them. Pure. */
import type { PlanView } from '#contract/plan-view';
import type { RunRequest } from '#contract/run-request';
import { parameterTable } from './job-text.ts';
import { counted, duration, nameLines, number } from './table.ts';

export function planSummary(plan: PlanView, request: RunRequest): string {
  const { expected } = plan;
  const lines: readonly (readonly [string, string])[] = [
    ['pattern', `${request['source-type']} to ${request['target-type']}`],
    ['template', `${plan['template-id']} version ${plan['template-version']}, on ${plan.engine}`],
    ...leftOut(plan, request),
    ['expected', expected ? timeText(expected) : 'not known: too few jobs of the template have ended'],
    ...(expected ? [['calls', callsText(expected)] as const] : []),
    ['plan hash', plan['plan-hash']],
  ];
  return `${request['user-run-id']} of ${request['user-id']}: ${counted(plan['set-count'], 'job')}\n${nameLines(lines)}`;
}

export function planSets({ sets }: PlanView): string {
  return sets
    .map(({ index, 'set-key': key, parameters }) => {
      const values = Object.keys(parameters).length === 0 ? 'no parameters\n' : parameterTable(parameters);
      return `set ${number(index)}, key ${key}\n${values}`;
    })
    .join('\n');
}

const PLACES_SHOWN = 20;

function leftOut(plan: PlanView, request: RunRequest): readonly (readonly [string, string])[] {
  const since = request['skip-succeeded-since'];
  const { 'skipped-sets': places } = plan;
  if (since === undefined) return [];
  if (places.length === 0) return [['left out', `no set: none has succeeded since ${since}`]];
  const more = places.length > PLACES_SHOWN ? `, … and ${number(places.length - PLACES_SHOWN)} more` : '';
  const which = `${places.length === 1 ? 'set' : 'sets'} ${places.slice(0, PLACES_SHOWN).map(number).join(', ')}${more}`;
  return [['left out', `${which}: ${places.length === 1 ? 'it has' : 'they have'} succeeded since ${since}`]];
}

type Expected = NonNullable<PlanView['expected']>;

function timeText({ 'job-seconds': job, 'run-seconds': run }: Expected): string {
  const [fast, usual, slow] = [job.p10, job.p50, job.p90].map((seconds) => duration(seconds * 1000));
  return `about ${duration(run * 1000)}; half of the jobs took ${usual ?? ''} or less, one in ten ${fast ?? ''} or less, nine in ten ${slow ?? ''} or less`;
}

const callsText = ({ 'engine-starts': starts, 'engine-status-calls': looks }: Expected): string =>
  `${counted(starts, 'start')} and about ${counted(looks, 'look')} at how the jobs stand`;
