/** What a page shows, as a value: pure functions make it, `dom.ts` puts it on the screen, tests read it without a browser. */
import type { Message } from './messages.ts';

export type Values = (name: string) => string;

export interface Reactions {
  readonly click?: Message;
  /** Of a form: what its fields say becomes a message. */
  readonly submit?: (values: Values) => Message;
}

export interface Tree {
  readonly tag: string;
  /** An element whose key has changed is another element: what was typed into it is gone. */
  readonly key?: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly reactions: Reactions;
  readonly children: readonly Child[];
}

/** A text is shown as it is, whatever it holds: there is no way from here to markup. */
export type Child = Tree | string;

export interface Properties extends Reactions {
  readonly key?: string;
  readonly [attribute: string]: unknown;
}

/** An attribute that is `false` or undefined is absent, one that is `true` is empty; a child that is undefined or `false` likewise. */
export function h(tag: string, properties: Properties = {}, ...children: readonly (Child | undefined | false)[]): Tree {
  const { key, click, submit, ...given } = properties;
  const attributes = Object.entries(given).flatMap(([name, value]): [string, string][] =>
    typeof value === 'string' ? [[name, value]] : value === true ? [[name, '']] : [],
  );
  return {
    tag,
    ...(key === undefined ? {} : { key }),
    attributes: Object.fromEntries(attributes),
    reactions: { ...(click ? { click } : {}), ...(submit ? { submit } : {}) },
    children: children.filter((child) => child !== undefined && child !== false),
  };
}
