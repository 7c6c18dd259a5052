/** Where somebody is, as the query of the address: every page, filter and cursor can be sent to somebody else. */
import { JobView, RunView } from '#contract/views';

export type RunState = RunView['state'];
export type JobState = JobView['state'];
export const RUN_STATES = RunView.shape.state.options;
export const JOB_STATES = JobView.shape.state.options;

export interface RunsPlace {
  readonly kind: 'runs';
  readonly state?: RunState;
  readonly userId?: string;
  readonly userRunId?: string;
  readonly templateId?: string;
  /** Accepted at this time or later; UTC, as `2026-11-21T08:00Z`. */
  readonly since?: string;
  readonly cursor?: string;
}
export interface RunPlace {
  readonly kind: 'run';
  readonly runId: string;
  readonly jobState?: JobState;
  readonly cursor?: string;
}
export interface JobPlace {
  readonly kind: 'job';
  readonly jobId: string;
  readonly cursor?: string;
}
/** An address that cannot be read is told, and not taken for one without filters. */
export interface Nowhere {
  readonly kind: 'nowhere';
  readonly why: string;
}
export type Place = RunsPlace | RunPlace | JobPlace | Nowhere;

export function placeOf(search: string): Place {
  const query = new URLSearchParams(search);
  const text = (name: string): string | undefined => query.get(name)?.trim() || undefined;
  const cursor = optional('cursor', text('cursor'));
  const [jobId, runId] = [text('job'), text('run')];
  if (jobId !== undefined) return { kind: 'job', jobId, ...cursor };
  if (runId !== undefined) {
    const jobState = text('job-state');
    const known = JOB_STATES.find((state) => state === jobState);
    if (jobState !== undefined && known === undefined) return nowhere(`there is no job state ${jobState}`);
    return { kind: 'run', runId, ...optional('jobState', known), ...cursor };
  }
  const place = runsPlace(text);
  return place.kind === 'runs' ? { ...place, ...cursor } : place;
}

/** The list by the fields of its form, or of the address: they have the same names. Always its first page. */
export function runsPlace(field: (name: string) => string | undefined): RunsPlace | Nowhere {
  const text = (name: string): string | undefined => field(name)?.trim() || undefined;
  const state = RUN_STATES.find((each) => each === text('state'));
  if (text('state') !== undefined && state === undefined) return nowhere(`there is no run state ${text('state') ?? ''}`);
  const since = sinceOf(text('since') ?? '');
  if (text('since') !== undefined && since === undefined) return nowhere(`${text('since') ?? ''} is no time, as 2026-11-21T08:00Z is`);
  return {
    kind: 'runs',
    ...optional('state', state),
    ...optional('userId', text('user')),
    ...optional('userRunId', text('user-run')),
    ...optional('templateId', text('template')),
    ...optional('since', since),
  };
}

/** A time without a zone is UTC, as everywhere in the console; browsers give none. */
function sinceOf(text: string): string | undefined {
  const [, minute, second = ''] = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2})(:\d{2}(?:\.\d{1,3})?)?Z?$/.exec(text) ?? [];
  if (minute === undefined) return undefined;
  const since = `${minute}${/^:00(?:\.0+)?$/.test(second) ? '' : second}Z`;
  return Number.isNaN(Date.parse(since)) ? undefined : since;
}

const nowhere = (why: string): Nowhere => ({ kind: 'nowhere', why });

function optional<Name extends string, Value>(name: Name, value: Value | undefined): { readonly [name in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [name in Name]?: Value });
}

/** The address of a place, relative to the page: `?run=run_…`; `?` is the list without filters. */
export function addressOf(place: Place): string {
  const query = new URLSearchParams(pairsOf(place).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  return `?${query.toString()}`;
}

function pairsOf(place: Place): readonly (readonly [string, string | undefined])[] {
  switch (place.kind) {
    case 'runs':
      return [
        ['state', place.state],
        ['user', place.userId],
        ['user-run', place.userRunId],
        ['template', place.templateId],
        ['since', place.since],
        ['cursor', place.cursor],
      ];
    case 'run':
      return [
        ['run', place.runId],
        ['job-state', place.jobState],
        ['cursor', place.cursor],
      ];
    case 'job':
      return [
        ['job', place.jobId],
        ['cursor', place.cursor],
      ];
    case 'nowhere':
      return [];
  }
}
