import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fairQueue } from '#domain/fair-queue';

interface Waiting {
  readonly owner: string;
  readonly number: number;
}

describe('a fair queue', () => {
  test('lets owners take turns, each with its items in order', () => {
    const queue = fairQueue<string>();
    for (const item of ['a1', 'a2', 'a3']) queue.add('a', item);
    expect(queue.take()).toBe('a1');
    queue.add('b', 'b1');
    queue.add('b', 'b2');
    queue.add('c', 'c1');
    expect(Array.from({ length: 6 }, () => queue.take())).toEqual(['a2', 'b1', 'c1', 'a3', 'b2', undefined]);
  });

  test('gives an item that is removed no turn, and no turn to an owner without items', () => {
    const queue = fairQueue<string>();
    for (const item of ['a1', 'a2', 'b1']) queue.add(item.charAt(0), item);
    expect(queue.remove('a', 'a1')).toBe(true);
    expect(queue.remove('b', 'b1')).toBe(true);
    expect(queue.remove('b', 'b1')).toBe(false);
    expect(queue.size()).toBe(1);
    expect([queue.take(), queue.take()]).toEqual(['a2', undefined]);
  });

  test('keeps the order of a long line, which is cut now and then', () => {
    const queue = fairQueue<number>();
    for (let number = 0; number < 5000; number++) queue.add('long', number);
    expect(queue.remove('long', 4000)).toBe(true);
    const taken = Array.from({ length: 3000 }, () => queue.take());
    expect(queue.remove('long', 2999)).toBe(false);
    expect(queue.size()).toBe(1999);
    expect(queue.drain()).toEqual(Array.from({ length: 2000 }, (_, at) => 3000 + at).filter((number) => number !== 4000));
    expect(taken).toEqual(Array.from({ length: 3000 }, (_, at) => at));
    expect([queue.size(), queue.take()]).toEqual([0, undefined]);
  });

  const owner = fc.constantFrom('a', 'b', 'c', 'd');
  const steps = fc.array(fc.oneof({ weight: 2, arbitrary: fc.record({ add: owner }) }, fc.constant('take' as const)), { maxLength: 200 });

  test('whatever comes and goes, loses nothing and serves nobody twice while another waits', () => {
    fc.assert(
      fc.property(steps, (events) => {
        const queue = fairQueue<Waiting>();
        const lines = new Map<string, Waiting[]>();
        /** By owner that waits: whose turns have been since it began to wait for its own. */
        const passedOver = new Map<string, Set<string>>();
        const take = (): void => {
          const taken = queue.take();
          const waiting = [...lines.keys()].filter((one) => lines.get(one)?.length !== 0);
          if (taken === undefined) {
            expect(waiting).toEqual([]);
            return;
          }
          expect(lines.get(taken.owner)?.shift()).toBe(taken);
          passedOver.delete(taken.owner);
          for (const other of waiting.filter((one) => one !== taken.owner)) {
            const before = passedOver.get(other) ?? new Set();
            expect(before).not.toContain(taken.owner);
            passedOver.set(other, before.add(taken.owner));
          }
        };
        for (const [number, event] of events.entries()) {
          if (event === 'take') take();
          else {
            const item = { owner: event.add, number };
            queue.add(event.add, item);
            lines.set(event.add, [...(lines.get(event.add) ?? []), item]);
          }
        }
        while (queue.size() > 0) take();
        take();
      }),
    );
  });
});
