/** The list of runs, newest first. */
import { number } from '#client/run-words';
import type { PageView, RunView } from '#contract/views';
import { chip } from './chip.ts';
import { grid, leftOut, link, pager, time } from './parts.ts';
import { addressOf, RUN_STATES, runsPlace, type RunsPlace } from './place.ts';
import { elapsed } from './text.ts';
import { h, type Child, type Tree } from './tree.ts';

const COLUMNS = [
  { title: 'Run' },
  { title: 'State' },
  { title: 'User' },
  { title: 'Name' },
  { title: 'Template' },
  { title: 'Jobs', number: true },
  { title: 'Finished', number: true },
  { title: 'Failed', number: true },
  { title: 'Cancelled', number: true },
  { title: 'Open', number: true },
  { title: 'Accepted' },
  { title: 'Elapsed', number: true },
];

export function runsView(place: RunsPlace, page: PageView<RunView>, nowMs: number): readonly Tree[] {
  const { cursor, ...first } = place;
  const next = page['next-cursor'];
  const rows = page.items.map((run) => ({ key: run['run-id'], cells: cellsOf(run, nowMs) }));
  const empty = next === undefined ? 'There is no run of this kind.' : 'None on this page; there may be some on the next.';
  return [
    filters(place),
    ...leftOut(page.unreadable),
    rows.length === 0 ? h('p', { key: 'empty' }, empty) : grid('Runs, newest first', COLUMNS, rows),
    pager(cursor === undefined ? undefined : first, next === undefined ? undefined : { ...first, cursor: next }),
  ];
}

function cellsOf(run: RunView, nowMs: number): readonly Child[] {
  const { jobs } = run;
  return [
    link({ kind: 'run', runId: run['run-id'] }, run['run-id']),
    chip(run.state),
    run['user-id'],
    run['user-run-id'],
    `${run['template-id']} v${run['template-version']}`,
    ...[jobs.total, jobs.finished, jobs.failed, jobs.cancelled, jobs.open].map(number),
    time(run['created-at']),
    elapsed(run, nowMs),
  ];
}

/** Keyed by what it shows: after going elsewhere it shows that, and while somebody types it stays. */
function filters(place: RunsPlace): Tree {
  const { cursor: _cursor, ...shown } = place;
  const option = (value: string, text: string): Tree => h('option', { value, selected: value === (place.state ?? '') }, text);
  const field = (name: string, label: string, value: string | undefined, more: Readonly<Record<string, string>> = {}): Tree =>
    h('label', {}, label, h('input', { name, value, autocomplete: 'off', spellcheck: 'false', ...more }));
  return h(
    'form',
    {
      key: `filters ${addressOf(shown)}`,
      class: 'filters',
      role: 'search',
      'aria-label': 'Runs',
      submit: (values) => ({ kind: 'go', place: runsPlace(values) }),
    },
    h('label', {}, 'State', h('select', { name: 'state' }, option('', 'any'), ...RUN_STATES.map((state) => option(state, state)))),
    field('user', 'User', place.userId),
    field('user-run', 'Name of the run', place.userRunId),
    field('template', 'Template', place.templateId, { placeholder: 'tmpl_…' }),
    field('since', 'Accepted since (UTC)', place.since?.replace(/Z$/, ''), { type: 'datetime-local', step: 'any' }),
    h('button', { type: 'submit' }, 'Show'),
    link({ kind: 'runs' }, 'All runs'),
  );
}
