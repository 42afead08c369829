import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LayeredMap } from '../../src/model/layered-map.ts';

interface Box {
  readonly n: number;
}

const sorted = (map: Iterable<readonly [string, Box]>): readonly (readonly [string, Box])[] =>
  [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));

describe('a layered map', () => {
  it('is at every step what a plain map would be, and changes none of its forerunners', () => {
    const change = fc.tuple(
      fc.nat(400).map(String),
      fc.option(
        fc.nat().map((n): Box => ({ n })),
        { nil: undefined, freq: 2 },
      ),
    );
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 200 }), { maxLength: 12 }), (steps) => {
        let map: ReadonlyMap<string, Box> = new Map();
        let model = new Map<string, Box>();
        for (const changes of steps) {
          const before = { map, copy: sorted(model), size: model.size };
          map = LayeredMap.with(map, new Map(changes));
          model = new Map(model);
          for (const [key, value] of new Map(changes)) {
            if (value === undefined) model.delete(key);
            else model.set(key, value);
          }
          expect(map.size).toBe(model.size);
          expect(sorted(map)).toEqual(sorted(model));
          expect([...map.keys()].toSorted()).toEqual([...model.keys()].toSorted());
          expect([...map.values()]).toHaveLength(model.size);
          expect(
            changes.every(([key]) => map.get(key) === model.get(key) && map.has(key) === model.has(key)),
          ).toBe(true);
          expect({ map: sorted(before.map), size: before.map.size }).toEqual({
            map: before.copy,
            size: before.size,
          });
        }
      }),
      { seed: 20_260_104, numRuns: 60 },
    );
  });

  it('without changes is the very same map', () => {
    const map = new Map([['a', { n: 1 }]]);
    expect(LayeredMap.with(map, new Map())).toBe(map);
  });
});
