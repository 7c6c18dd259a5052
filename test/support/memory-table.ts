/**
 * The table in memory, for properties that need thousands of stores' worth of requests: the stores' own expressions, evaluated.
 * It knows exactly the words that the stores use; anything else throws.
 */
import type { Action, Attributes, Check, Expression, Item, QueryRequest, Table, WriteOutcome } from '#adapters/dynamodb/table';
import type { Key } from '#adapters/dynamodb/keys';
import type { TestDatabase } from '#test/support/dynamodb';

/** In the place of an embedded database, which answers the same (stores.test.ts), where a test asks it thousands of times. */
export const memoryDatabase: Pick<TestDatabase, 'freshTable'> = {
  freshTable: () => Promise.resolve({ name: 'memory', table: memoryTable() }),
};

/** Sort keys in order, and the items by sort key. */
interface Partition {
  readonly order: string[];
  readonly items: Map<string, Item>;
}

export function memoryTable(): Table {
  const partitions = new Map<string, Partition>();
  const find = ({ pk, sk }: Key): Item | undefined => partitions.get(pk)?.items.get(sk);
  const put = (item: Item): void => {
    const partition = partitions.get(item.pk) ?? { order: [], items: new Map<string, Item>() };
    partitions.set(item.pk, partition);
    if (!partition.items.has(item.sk)) partition.order.splice(placeOf(partition.order, item.sk), 0, item.sk);
    partition.items.set(item.sk, copied(item));
  };
  const remove = ({ pk, sk }: Key): void => {
    const partition = partitions.get(pk);
    if (partition?.items.delete(sk) === true) partition.order.splice(placeOf(partition.order, sk), 1);
  };
  const apply = (action: Action | Check): void => {
    if (action.kind === 'put') put(action.item);
    else if (action.kind === 'delete') remove(action.key);
    else if (action.kind === 'update') put({ ...updated(find(action.key) ?? {}, action.change), ...action.key });
  };
  const transact = (actions: readonly (Action | Check)[]): Promise<WriteOutcome> => {
    // As DynamoDB does; what it answers then is no matter of luck, but a defect.
    const touched = new Set(actions.map((action) => `${keyOf(action).pk} ${keyOf(action).sk}`));
    if (actions.length === 0 || actions.length > 100 || touched.size < actions.length)
      throw new Error(`a transaction of ${actions.length} actions on ${touched.size} items`);
    for (const action of actions) {
      const existing = find(keyOf(action));
      if (action.guard && !holds(action.guard, existing))
        return Promise.resolve({ kind: 'refused', ...(existing ? { existing: copied(existing) } : {}) });
    }
    for (const action of actions) apply(action);
    return Promise.resolve({ kind: 'done' });
  };
  const query = ({ pk, from, to, prefix, limit = Infinity, after, newestFirst }: QueryRequest): ReturnType<Table['query']> => {
    const { order, items } = partitions.get(pk) ?? { order: [], items: new Map<string, Item>() };
    const first = prefix ?? from ?? '';
    const last = prefix === undefined ? (to ?? '\uffff') : `${prefix}\uffff`;
    const found: string[] = [];
    const start = newestFirst === true ? placeOf(order, after ?? `${last}\u0000`) - 1 : placeAfter(order, first, after);
    for (let at = start; at >= 0 && at < order.length && found.length <= limit; at += newestFirst === true ? -1 : 1) {
      const sk = order[at] ?? '';
      if (sk < first || sk > last) break;
      found.push(sk);
    }
    const shown = found.slice(0, limit);
    const next = found.length > limit ? shown.at(-1) : undefined;
    const rows = shown.flatMap((sk) => items.get(sk) ?? []).map(copied);
    return Promise.resolve({ items: rows, ...(next === undefined ? {} : { next }) });
  };
  return {
    get: (key) => Promise.resolve(find(key)).then((item) => item && copied(item)),
    write: (action) => transact([action]),
    transact,
    writeAll(writes) {
      for (const write of writes) apply(write);
      return Promise.resolve();
    },
    query,
    queryAll: async (request) => (await query({ ...request, limit: Infinity })).items,
  };
}

const keyOf = (action: Action | Check): Key => (action.kind === 'put' ? action.item : action.key);

/** What is stored is nobody's object, and has no undefined in it. */
const copied = (item: Item): Item => copyOf(item) as Item;

function copyOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOf);
  const copy: Record<string, unknown> = {};
  for (const name in value) {
    const each = (value as Attributes)[name];
    if (each !== undefined) copy[name] = copyOf(each);
  }
  return copy;
}

/** Where `sk` stands or would stand. */
function placeOf(order: readonly string[], sk: string): number {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((order[middle] ?? '') < sk) low = middle + 1;
    else high = middle;
  }
  return low;
}

function placeAfter(order: readonly string[], first: string, after: string | undefined): number {
  if (after === undefined) return placeOf(order, first);
  const place = placeOf(order, after);
  return order[place] === after ? place + 1 : place;
}

/** The stores have a few dozen expressions, and thousands of requests for each. */
function remembered<Parsed>(parse: (text: string) => Parsed): (text: string) => Parsed {
  const known = new Map<string, Parsed>();
  return (text) => {
    const parsed = known.get(text) ?? parse(text);
    known.set(text, parsed);
    return parsed;
  };
}

const wordsOf = remembered((text): readonly string[] => text.match(/[()]|<=|<|=|,|[#:]?\w+/g) ?? []);

/** A condition, read from left to right: OR of ANDs of NOTs. */
function holds({ text, values = {} }: Expression, item: Attributes | undefined): boolean {
  const words = wordsOf(text);
  let at = 0;
  const take = (): string => words[at++] ?? '';
  const valueOf = (word: string): unknown => (word.startsWith(':') ? values[word] : item?.[word.replace('#', '')]);
  const called = (name: string): boolean => {
    take();
    const subject = valueOf(take());
    const argument = words[at] === ',' ? (take(), valueOf(take())) : undefined;
    take();
    switch (name) {
      case 'attribute_exists':
        return subject !== undefined;
      case 'attribute_not_exists':
        return subject === undefined;
      case 'begins_with':
        return typeof subject === 'string' && subject.startsWith(String(argument));
      default:
        throw new Error(`the memory table does not know ${name}: ${text}`);
    }
  };
  const one = (): boolean => {
    const word = take();
    if (word === 'NOT') return !one();
    if (word === '(') {
      const inside = any();
      take();
      return inside;
    }
    if (words[at] === '(') return called(word);
    const left = valueOf(word);
    const operator = take();
    const right = valueOf(take());
    if (left === undefined || right === undefined) return false;
    if (operator === '=') return left === right;
    const both = [left, right] as readonly unknown[] as readonly [string, string];
    return operator === '<' ? both[0] < both[1] : both[0] <= both[1];
  };
  // Both sides are read in any case: what stands behind them must be found.
  const all = (): boolean => {
    let result = one();
    while (words[at] === 'AND') result = (take(), one()) && result;
    return result;
  };
  const any = (): boolean => {
    let result = all();
    while (words[at] === 'OR') result = (take(), all()) || result;
    return result;
  };
  return any();
}

interface Clause {
  readonly verb: string;
  readonly name: string;
  readonly value: string;
}

const clausesOf = remembered((text): readonly Clause[] =>
  [...text.matchAll(/\b(SET|REMOVE|ADD)\b(.*?)(?=\b(?:SET|REMOVE|ADD)\b|$)/g)].flatMap(([, verb = '', clause = '']) =>
    clause.split(',').map((part): Clause => {
      const [, name = '', value = ''] = /#(\w+)(?:\s*=?\s*(:\w+))?/.exec(part) ?? [];
      return { verb, name, value };
    }),
  ),
);

function updated(before: Attributes, { text, values = {} }: Expression): Attributes {
  const after: Record<string, unknown> = { ...before };
  for (const { verb, name, value } of clausesOf(text)) {
    if (verb === 'SET') after[name] = values[value];
    else if (verb === 'ADD') after[name] = Number(after[name] ?? 0) + Number(values[value]);
    // Not delete: an attribute that is undefined is not stored.
    else after[name] = undefined;
  }
  return after;
}
