/** One run: how it stands, what it has used, its jobs, and what can be done about it. */
import { costLines, counted, number, queueText, stopText } from '#client/run-words';
import { hasEnded } from '#client/wait-for-run';
import type { JobView, RunView } from '#contract/views';
import { chip } from './chip.ts';
import type { JobsPage } from './jobs-page.ts';
import type { Action } from './messages.ts';
import { facts, grid, leftOut, link, pager, time } from './parts.ts';
import type { JobState, RunPlace } from './place.ts';
import { elapsed, jobDuration, nextPoll } from './text.ts';
import { h, type Child, type Tree } from './tree.ts';

export interface RunContent {
  readonly kind: 'run';
  readonly run: RunView;
  readonly page: JobsPage;
}

export interface Doing {
  readonly asked?: Action;
  /** Was asked and not confirmed: its button has the keyboard again. */
  readonly left?: Action;
  /** An answer is being waited for: nothing is sent twice. */
  readonly busy: boolean;
}

export function runPage(place: RunPlace, { run, page }: RunContent, doing: Doing, nowMs: number): readonly Tree[] {
  return [
    header(run, nowMs),
    actions(run, doing),
    counts(run),
    ...(run.cost === undefined ? [] : [h('section', { 'aria-label': 'Cost' }, h('h2', {}, 'Cost'), facts(costLines(run.cost)))]),
    jobs(place, run, page),
  ];
}

function header(run: RunView, nowMs: number): Tree {
  const { waiting, closing, 'engine-trouble': trouble } = run;
  const poll = nextPoll(run, nowMs);
  const finishedAt = run['finished-at'];
  const clonedFrom = run['cloned-from'];
  const leftOut = run['skipped-sets'];
  return facts([
    ['State', chip(run.state)],
    ['Attempt', number(run.attempt)],
    ['Run', `${run['user-run-id']} of ${run['user-id']}`],
    ['Asked for by', run['requested-by']],
    ['Pattern', `${run['source-type']} to ${run['target-type']}, ${run['template-id']} version ${run['template-version']}`],
    ['Clone of', clonedFrom === undefined ? undefined : link({ kind: 'run', runId: clonedFrom }, clonedFrom)],
    ['Accepted', time(run['created-at'])],
    ['Ended', finishedAt === undefined ? undefined : time(finishedAt)],
    ['Elapsed', elapsed(run, nowMs)],
    ['Next poll', poll === undefined ? undefined : `${poll}, or sooner when the engine tells of a change`],
    ['Waiting', waiting && h('span', {}, `${counted(waiting.jobs, 'job')} since `, time(waiting.since), `: ${waiting.reason}`)],
    ['Engine', trouble && h('span', {}, 'In trouble since ', time(trouble.since), `: ${trouble.message}`)],
    ['Closing', closing && `${closing.reason}: ${closing.message}`],
    ['Left out', leftOut === undefined ? undefined : `${counted(leftOut, 'set')} that had succeeded before`],
  ]);
}

function counts({ jobs: all, records }: RunView): Tree {
  return h(
    'section',
    { 'aria-label': 'Counts' },
    h('h2', {}, 'Counts'),
    facts([
      ['Jobs', number(all.total)],
      ['Finished', number(all.finished)],
      ['Failed', number(all.failed)],
      ['Cancelled', number(all.cancelled)],
      ['Open', number(all.open)],
      ['Records in', number(records.input)],
      ['Records out', number(records.output)],
      ['Records in error', number(records.error)],
    ]),
  );
}

/** What can be done now. The service decides again when it is asked. */
export function actionsOf(run: RunView): readonly Action[] {
  const canCancel = !hasEnded(run) && run.state !== 'CANCELLING';
  // A job that was cancelled has failed for that reason, and is retried with the others.
  const canRetry = run.state !== 'CANCELLING' && run.jobs.failed + run.jobs.cancelled > 0;
  return [...(canCancel ? (['cancel'] as const) : []), ...(canRetry ? (['retry'] as const) : [])];
}

function actions(run: RunView, { asked, left, busy }: Doing): Tree {
  const possible = actionsOf(run);
  if (asked !== undefined) {
    const { question, yes, no } = QUESTIONS[asked](run);
    return h(
      'div',
      { key: 'confirm', class: 'actions confirm', role: 'group', 'aria-label': question },
      h('p', {}, question),
      h('button', { type: 'button', class: 'strong', click: { kind: 'confirm', action: asked }, disabled: busy }, yes),
      h('button', { type: 'button', click: { kind: 'dismiss' }, disabled: busy, autofocus: true }, no),
    );
  }
  return h(
    'div',
    { key: 'actions', class: 'actions' },
    ...possible.map((action) =>
      h(
        'button',
        { key: action, type: 'button', click: { kind: 'ask', action }, disabled: busy, autofocus: action === left },
        action === 'cancel' ? 'Cancel…' : 'Retry failed…',
      ),
    ),
  );
}

const QUESTIONS: Readonly<Record<Action, (run: RunView) => { readonly question: string; readonly yes: string; readonly no: string }>> = {
  cancel: ({ jobs: { open } }) => ({
    question: `Cancel this run? ${counted(open, 'job')} not ended yet will be stopped; what has ended stays.`,
    yes: 'Cancel the run',
    no: 'Let it go on',
  }),
  retry: ({ jobs: { failed, cancelled } }) => ({
    question: `Retry what failed? ${counted(failed + cancelled, 'job')} that failed or were cancelled will run once more; what succeeded stays.`,
    yes: 'Retry them',
    no: 'Leave them',
  }),
};

/** The states that a managed job passes through; any other one can be asked for by the address. */
const OFFERED: readonly JobState[] = ['CREATED', 'RUNNING', 'FAILED', 'FINISHED'];

const COLUMNS = [
  { title: 'Set', number: true },
  { title: 'State' },
  { title: 'Attempt', number: true },
  { title: 'In', number: true },
  { title: 'Out', number: true },
  { title: 'Error', number: true },
  { title: 'Duration', number: true },
  { title: 'Output or failure' },
];

function jobs(place: RunPlace, run: RunView, page: JobsPage): Tree {
  const all: RunPlace = { kind: 'run', runId: place.runId };
  const first: RunPlace = place.jobState === undefined ? all : { ...all, jobState: place.jobState };
  const states = [undefined, ...OFFERED, ...(place.jobState && !OFFERED.includes(place.jobState) ? [place.jobState] : [])];
  const rows = page.jobs.map((job) => ({ key: job['job-id'], cells: cellsOf(job) }));
  return h(
    'section',
    { 'aria-label': 'Jobs' },
    h('h2', {}, 'Jobs'),
    h(
      'nav',
      { class: 'states', 'aria-label': 'Jobs by state' },
      ...states.map((state) =>
        link(state === undefined ? all : { ...all, jobState: state }, state ?? 'All', {
          'aria-current': state === place.jobState ? 'true' : undefined,
        }),
      ),
    ),
    h('p', { class: 'hint' }, lookedText(place, run, page)),
    ...leftOut(page.unreadable),
    rows.length > 0 && grid('Jobs, one per parameter set', COLUMNS, rows),
    pager(place.cursor === undefined ? undefined : first, page.next === undefined ? undefined : { ...first, cursor: page.next }),
  );
}

function lookedText({ jobState }: RunPlace, run: RunView, { jobs: shown, looked }: JobsPage): string {
  if (looked === undefined) return 'There are no jobs here.';
  const range = `sets ${number(looked.from)} to ${number(looked.to)} of ${number(run.jobs.total)}`;
  return jobState === undefined
    ? `Shown: ${range}, counted from 0.`
    : `${counted(shown.length, 'job')} ${jobState} among ${range}, counted from 0.`;
}

function cellsOf(job: JobView): readonly Child[] {
  const { metrics } = job;
  const records = [metrics?.['input-record-count'], metrics?.['output-record-count'], metrics?.['error-record-count']];
  return [
    link({ kind: 'job', jobId: job['job-id'] }, number(job.index), { 'aria-label': `Job of set ${number(job.index)}` }),
    chip(job.state),
    number(job.attempt),
    ...records.map((count) => (count === undefined ? '' : number(count))),
    jobDuration(job),
    outcome(job),
  ];
}

/** What it wrote or why it failed; before that, what it waits for. */
export function outcome(job: JobView): string {
  const { failure, metrics } = job;
  if (failure) return `${failure.reason}: ${failure.message}`;
  return stopText(job) ?? queueText(job) ?? (metrics?.outputs ?? []).join(', ');
}
