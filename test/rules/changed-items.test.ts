import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changedItems, mapChanged, type Mapped } from '../../src/rules/changed-items.ts';

const listArbitrary = fc.uniqueArray(fc.nat(30), { maxLength: 20 });

describe('items that changed', () => {
  it('are those that only one list has, in its order', () => {
    fc.assert(
      fc.property(listArbitrary, listArbitrary, (before, after) => {
        expect(changedItems(before, after)).toEqual({
          gone: before.filter((item) => !after.includes(item)),
          come: after.filter((item) => !before.includes(item)),
        });
      }),
      { seed: 71, numRuns: 500 },
    );
  });

  it('are told apart by identity', () => {
    const [same, old, fresh] = [{ n: 1 }, { n: 2 }, { n: 2 }];
    expect(changedItems([same, old], [same, fresh])).toEqual({ gone: [old], come: [fresh] });
    expect(changedItems([same, old], [old, same])).toEqual({ gone: [], come: [] });
  });
});

describe('a list mapped again and again', () => {
  it('is what a fresh map would be, and makes nothing anew at the equal ends, nor at equal places', () => {
    fc.assert(
      fc.property(fc.array(listArbitrary, { minLength: 1, maxLength: 6 }), (lists) => {
        let mapped: Mapped<number, string> | undefined;
        for (const items of lists) {
          mapped = mapChanged(mapped, items, String);
          expect(mapped).toEqual({ items, made: items.map(String) });
        }
      }),
      { seed: 72, numRuns: 300 },
    );
    const made: number[] = [];
    const make = (item: number): number => {
      made.push(item);
      return item * 2;
    };
    const first = mapChanged(undefined, [1, 2, 3, 4], make);
    expect(mapChanged(first, [1, 2, 9, 4], make).made).toEqual([2, 4, 18, 8]);
    expect(mapChanged(first, [1, 8, 3, 7], make).made).toEqual([2, 16, 6, 14]);
    expect(made).toEqual([1, 2, 3, 4, 9, 8, 7]);
    expect(mapChanged(first, first.items, make)).toBe(first);
  });
});
