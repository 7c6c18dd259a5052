/** The page around a page: its title, what is being refreshed, notices, the question for a token. */
import { counted, number } from '#client/run-words';
import type { PageView, RunView } from '#contract/views';
import { jobPage, type JobContent } from './job-page.ts';
import { link } from './parts.ts';
import { addressOf, type Place } from './place.ts';
import { runPage, type Doing, type RunContent } from './run-page.ts';
import { runsView } from './runs-view.ts';
import { h, type Tree } from './tree.ts';

export type Content =
  | { readonly kind: 'loading' }
  | { readonly kind: 'runs'; readonly page: PageView<RunView> }
  | RunContent
  | JobContent
  /** The service wants a token; `refused` where it has refused one. */
  | { readonly kind: 'token-needed'; readonly refused: boolean }
  | { readonly kind: 'problem'; readonly text: string };

export interface Notice {
  readonly tone: 'good' | 'bad';
  readonly text: string;
}

export interface Shown {
  readonly place: Place;
  readonly content: Content;
  readonly doing: Doing;
  readonly notice?: Notice;
  /** Whether the page refreshes itself, while there is something to follow. */
  readonly follows: boolean;
  /** When it was last refreshed. */
  readonly loadedMs?: number;
  readonly hasToken: boolean;
  readonly nowMs: number;
}

export function titleOf(place: Place): string {
  switch (place.kind) {
    case 'runs':
      return 'Runs';
    case 'run':
      return `Run ${place.runId}`;
    case 'job':
      return `Job ${place.jobId}`;
    case 'nowhere':
      return 'There is nothing here';
  }
}

export function frame(shown: Shown): Tree {
  const { place, notice, hasToken } = shown;
  const list: Place = { kind: 'runs' };
  return h(
    'div',
    { class: 'console' },
    h(
      'header',
      {},
      link(list, 'Sluice', { class: 'brand' }),
      h('nav', { 'aria-label': 'Console' }, link(list, 'Runs', { 'aria-current': place.kind === 'runs' ? 'page' : undefined })),
      hasToken && h('button', { key: 'sign-out', type: 'button', click: { kind: 'sign-out' } }, 'Forget the token'),
    ),
    h(
      'main',
      {},
      // The keyboard and a screen reader are taken to the new page.
      h('h1', { key: addressOf(place), tabindex: '-1', autofocus: true }, titleOf(place)),
      refreshBar(shown),
      // Both stand there always: a region is listened to only if it was there before its text.
      h('p', { class: 'visually-hidden', role: 'status' }, spoken(shown)),
      h('p', { class: `notice ${notice?.tone ?? 'none'}`, role: notice?.tone === 'bad' ? 'alert' : 'status' }, notice?.text ?? ''),
      h('div', { key: `${shown.content.kind} ${addressOf(place)}` }, ...body(shown)),
    ),
  );
}

function refreshBar({ content, follows, loadedMs }: Shown): Tree {
  const hasData = content.kind === 'runs' || content.kind === 'run' || content.kind === 'job';
  return h(
    'div',
    { class: 'refresh' },
    hasData && h('button', { key: 'refresh', type: 'button', click: { kind: 'refresh' } }, 'Refresh'),
    hasData &&
      h('button', { key: 'follow', type: 'button', 'aria-pressed': String(follows), click: { kind: 'follow', on: !follows } }, 'Live'),
    hasData && loadedMs !== undefined && h('span', { class: 'hint' }, `as of ${new Date(loadedMs).toISOString().slice(11, 19)} UTC`),
  );
}

/** What a screen reader says when it changes; a time in it would make it speak with every refresh. */
function spoken({ content }: Shown): string {
  switch (content.kind) {
    case 'loading':
      return 'Loading';
    case 'runs':
      return `${counted(content.page.items.length, 'run')} shown`;
    case 'run': {
      const { state, jobs } = content.run;
      return `The run is ${state}: ${number(jobs.total - jobs.open)} of ${counted(jobs.total, 'job')} ended, ${jobs.failed} failed`;
    }
    case 'job':
      return `The job is ${content.told.job.state}`;
    case 'token-needed':
    case 'problem':
      return '';
  }
}

function body(shown: Shown): readonly Tree[] {
  const { place, content, doing, nowMs } = shown;
  if (place.kind === 'nowhere') return [h('p', {}, place.why), link({ kind: 'runs' }, 'All runs')];
  if (content.kind === 'loading') return [h('p', {}, 'Loading…')];
  if (content.kind === 'token-needed') return [tokenForm(content.refused)];
  if (content.kind === 'problem') return [h('p', { class: 'notice bad', role: 'alert' }, content.text)];
  if (place.kind === 'runs' && content.kind === 'runs') return runsView(place, content.page, nowMs);
  if (place.kind === 'run' && content.kind === 'run') return runPage(place, content, doing, nowMs);
  if (place.kind === 'job' && content.kind === 'job') return jobPage(place, content);
  return [];
}

function tokenForm(refused: boolean): Tree {
  return h(
    'form',
    // Posted, were it ever sent without the script (which the policy forbids): a token must not stand in an address.
    {
      key: `token ${String(refused)}`,
      class: 'token',
      method: 'post',
      submit: (values) => ({ kind: 'sign-in', token: values('token').trim() }),
    },
    refused && h('p', { class: 'notice bad', role: 'alert' }, 'This token was refused.'),
    h('label', {}, 'API token', h('input', { name: 'token', type: 'password', autocomplete: 'off', required: true, autofocus: true })),
    h('p', { class: 'hint' }, h('code', {}, 'sluice token show'), ' prints the local one. It is kept until this tab is closed.'),
    h('button', { type: 'submit' }, 'Use it'),
  );
}
