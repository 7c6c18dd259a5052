/**
 * What waits for a place at work, each item for an owner. Owners take turns, and an owner's items keep their order: whoever comes late
 * with one item waits for at most one item of every other owner, and not for all that came before.
 */
export interface FairQueue<Item> {
  readonly size: () => number;
  add(owner: string, item: Item): void;
  take(): Item | undefined;
  /** False when it does not wait. */
  remove(owner: string, item: Item): boolean;
  /** Empties the queue and answers what was in it. */
  drain(): readonly Item[];
}

interface Line<Item> {
  items: Item[];
  /** How many of the items are taken. An index and a seldom splice instead of `shift`, which is linear in what waits. */
  taken: number;
}

const MOST_TAKEN_KEPT = 1024;

export function fairQueue<Item>(): FairQueue<Item> {
  /** In the order of their turns: whoever has taken goes to the end. Every line has something waiting. */
  const lines = new Map<string, Line<Item>>();
  let size = 0;
  return {
    size: () => size,
    add(owner, item) {
      size += 1;
      const line = lines.get(owner);
      if (line === undefined) lines.set(owner, { items: [item], taken: 0 });
      else line.items.push(item);
    },
    take() {
      const [next] = lines;
      if (next === undefined) return undefined;
      const [owner, line] = next;
      const item = line.items[line.taken++];
      size -= 1;
      lines.delete(owner);
      if (line.taken < line.items.length) lines.set(owner, line);
      if (line.taken > MOST_TAKEN_KEPT) {
        line.items.splice(0, line.taken);
        line.taken = 0;
      }
      return item;
    },
    remove(owner, item) {
      const line = lines.get(owner);
      const at = line?.items.indexOf(item, line.taken) ?? -1;
      if (line === undefined || at === -1) return false;
      line.items.splice(at, 1);
      size -= 1;
      if (line.taken === line.items.length) lines.delete(owner);
      return true;
    },
    drain() {
      const waiting = [...lines.values()].flatMap(({ items, taken }) => items.slice(taken));
      lines.clear();
      size = 0;
      return waiting;
    },
  };
}
