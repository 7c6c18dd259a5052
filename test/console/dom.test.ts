import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { screen } from '#console/dom';
import type { Message } from '#console/messages';
import { h, type Tree } from '#console/tree';
import { StandInDocument, StandInFormData } from './page-stand-in.ts';

let document: StandInDocument;
let received: Message[];
let show: (tree: Tree) => void;

beforeEach(() => {
  document = new StandInDocument();
  received = [];
  show = screen(document.root as unknown as HTMLElement, (message) => received.push(message));
  vi.stubGlobal('FormData', StandInFormData);
});
afterEach(() => {
  vi.unstubAllGlobals();
});

test('text is text, whatever it holds', () => {
  show(h('p', {}, '<img src=x onerror=alert(1)>'));
  const paragraph = document.root.find('p');
  expect(paragraph.childNodes.map(({ tagName, nodeValue }) => [tagName, nodeValue])).toEqual([['#TEXT', '<img src=x onerror=alert(1)>']]);
});

describe('a refresh', () => {
  const list = (second: string): Tree => h('ul', {}, h('li', { key: 'a', class: 'x' }, 'one'), h('li', { key: 'b' }, second));

  test('that changes nothing writes nothing', () => {
    show(list('two'));
    document.written.length = 0;
    show(list('two'));
    expect(document.written).toEqual([]);
  });

  test('writes just what differs, into the elements that are there', () => {
    show(list('two'));
    const before = document.root.all();
    document.written.length = 0;
    show(list('three'));
    expect(document.written).toEqual(['text three']);
    expect(document.root.all()).toEqual(before);
  });

  test('adds, removes and replaces', () => {
    show(h('ul', {}, h('li', { key: 'a' }, 'one'), 'text', h('li', { key: 'c' }, 'three')));
    show(h('ul', {}, h('li', { key: 'b' }, 'two'), h('b', {}, 'bold')));
    expect(document.root.textContent).toBe('twobold');
    show(h('ul', {}, 'only'));
    expect(document.root.textContent).toBe('only');
    show(list('two'));
    expect(document.root.textContent).toBe('onetwo');
  });

  test('takes away attributes that are gone', () => {
    show(h('button', { disabled: true, class: 'a' }, 'x'));
    show(h('button', { class: 'b', hidden: false }, 'x'));
    expect([...document.root.find('button').attributes]).toEqual([['class', 'b']]);
  });

  test('does not write into a field that it has not changed, so that what was typed stays', () => {
    show(h('form', { key: 'f' }, h('input', { name: 'user', value: 'ada' })));
    const field = document.root.field('user');
    field.attributes.set('value', 'typed');
    show(h('form', { key: 'f' }, h('input', { name: 'user', value: 'ada' })));
    expect(document.root.field('user')).toBe(field);
    expect(field.attributes.get('value')).toBe('typed');
    show(h('form', { key: 'g' }, h('input', { name: 'user', value: 'bob' })));
    expect(document.root.field('user').attributes.get('value')).toBe('bob');
  });
});

test('the keyboard is taken to what is new, and not again by a refresh', () => {
  const page = (key: string): Tree => h('main', {}, h('h1', { key, autofocus: true }, key));
  show(page('one'));
  expect(document.focused?.textContent).toBe('one');
  document.focused = undefined;
  show(page('one'));
  expect(document.focused).toBeUndefined();
  show(page('two'));
  expect(document.focused).toBe(document.root.find('h1'));
});

describe('a click', () => {
  const tree = (on: boolean): Tree =>
    h(
      'p',
      {},
      h('a', { href: '?', click: { kind: 'go', place: { kind: 'runs' } } }, h('b', {}, 'runs')),
      h('button', { click: { kind: 'follow', on } }, 'Live'),
      'plain',
    );

  test('within an element is its message, as of the last refresh', () => {
    show(tree(true));
    show(tree(false));
    expect(document.fire('click', document.root.find('button'))).toBe(true);
    expect(document.fire('click', document.root.find('b'))).toBe(true);
    expect(received).toEqual([
      { kind: 'follow', on: false },
      { kind: 'go', place: { kind: 'runs' } },
    ]);
  });

  test('elsewhere is none', () => {
    show(tree(true));
    expect(document.fire('click', document.root.find('p'))).toBe(false);
    expect(received).toEqual([]);
  });

  test.each([{ ctrlKey: true }, { metaKey: true }, { shiftKey: true }, { button: 1 }])('on a link with %o is the browser’s', (how) => {
    show(tree(true));
    expect(document.fire('click', document.root.find('a'), how)).toBe(false);
    expect(received).toEqual([]);
  });
});

test('a form is never sent by the browser: what its fields say becomes a message', () => {
  show(
    h(
      'form',
      { submit: (values) => ({ kind: 'sign-in', token: `${values('token')}${values('none')}` }) },
      h('input', { name: 'token', value: 'slc_1' }),
      h('input', { name: 'none' }),
    ),
  );
  expect(document.fire('submit', document.root.find('form'))).toBe(true);
  expect(received).toEqual([{ kind: 'sign-in', token: 'slc_1' }]);
});
