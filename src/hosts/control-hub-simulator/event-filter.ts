/** The condition of a subscription: of Control Hub's expression language what the contract's examples use. [C:DOC, SDK docs] */
import { refused } from './refusal.ts';

export type EventFilter = (values: Readonly<Record<string, string>>) => boolean;

const EQUALS = /^([A-Z_]+)\s*(==|!=)\s*(?:'([^']*)'|"([^"]*)")$/;
const CONTAINS = /^str:contains\(\s*([A-Z_]+)\s*,\s*(?:'([^']*)'|"([^"]*)")\s*\)$/;

/**
 * `${JOB_ID=='…'}`, `${str:contains(FROM_STATUS,"ACTIVE")}`, several joined by `&&`; an empty one lets everything pass.
 * @throws Refusal for anything else: a filter that is not understood must not be taken for one that lets everything pass
 */
export function filterOf(text: string): EventFilter {
  if (text.trim() === '') return () => true;
  const inner = /^\s*\$\{([^]*)\}\s*$/.exec(text)?.[1];
  if (inner === undefined) throw unreadable(text);
  const conditions = inner.split('&&').map((part) => conditionOf(part.trim(), text));
  return (values) => conditions.every((condition) => condition(values));
}

function conditionOf(part: string, text: string): EventFilter {
  const equals = EQUALS.exec(part);
  if (equals) {
    const [, name = '', operator, single, double] = equals;
    return (values) => (values[name] === (single ?? double)) === (operator === '==');
  }
  const contains = CONTAINS.exec(part);
  if (!contains) throw unreadable(text);
  const [, name = '', single, double] = contains;
  return (values) => (values[name] ?? '').includes(single ?? double ?? '');
}

const unreadable = (text: string): Error => refused(400, 'SIMULATOR_15', `the simulator cannot read the filter ${text}`);
