/** What several pages are made of. */
import type { Unreadable } from '#contract/views';
import { addressOf, type Place } from './place.ts';
import { utc } from './text.ts';
import { h, type Child, type Tree } from './tree.ts';

/** A real address, so that it can be opened elsewhere; a plain click stays in the page. */
export const link = (place: Place, text: string, more: Readonly<Record<string, string | undefined>> = {}): Tree =>
  h('a', { href: addressOf(place), click: { kind: 'go', place }, ...more }, text);

export const time = (instant: string): Tree => h('time', { datetime: instant }, utc(instant));

export interface Column {
  readonly title: string;
  readonly number?: boolean;
}

/** A row begins with what names it. */
export function grid(
  caption: string,
  columns: readonly Column[],
  rows: readonly { readonly key: string; readonly cells: readonly Child[] }[],
): Tree {
  const look = (index: number): string | undefined => (columns[index]?.number === true ? 'number' : undefined);
  const head = columns.map(({ title }, index) => h('th', { scope: 'col', class: look(index) }, title));
  const body = rows.map(({ key, cells }) =>
    h(
      'tr',
      { key },
      ...cells.map((cell, index) => h(index === 0 ? 'th' : 'td', { scope: index === 0 ? 'row' : undefined, class: look(index) }, cell)),
    ),
  );
  return h(
    'div',
    // It scrolls by itself where it is wider than the window, and so must be reached by the keyboard.
    { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    h('table', {}, h('caption', {}, caption), h('thead', {}, h('tr', {}, ...head)), h('tbody', {}, ...body)),
  );
}

/** Names and values; a value that is undefined is left out with its name. */
export function facts(entries: readonly (readonly [string, Child | undefined])[]): Tree {
  const told = entries.flatMap(([name, value]) =>
    value === undefined ? [] : [h('div', { key: name }, h('dt', {}, name), h('dd', {}, value))],
  );
  return h('dl', { class: 'facts' }, ...told);
}

/** Back is the browser's: a cursor leads on only. */
export function pager(first: Place | undefined, next: Place | undefined): Tree {
  return h(
    'nav',
    { class: 'pager', 'aria-label': 'Pages' },
    first && link(first, 'First page'),
    next && link(next, 'Next page', { rel: 'next' }),
  );
}

/** What a list does not show because it cannot be read. */
export const leftOut = (unreadable: readonly Unreadable[] = []): readonly Tree[] =>
  unreadable.map(({ id, detail }) => h('p', { key: `left out ${id}`, class: 'hint' }, `Left out: ${id} cannot be read: ${detail}.`));
