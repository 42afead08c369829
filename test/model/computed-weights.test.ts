import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeComputedWeights,
  effectiveWeights,
  encodeComputedWeights,
} from '../../src/model/computed-weights.ts';

const IDS = ['a', 'b', 'c', 'd', 'e', 'f'];
const AT = '2026-01-31T09:30:00.000Z';

describe('computed weights', () => {
  it('are stored sorted, with the base weights they come from, and unknown fields stay', () => {
    const weights = new Map([
      ['b', { weight: 0, base: 2 }],
      ['a.1', { weight: 64, base: 1 }],
    ]);
    const text = encodeComputedWeights({ service: 'web', weights, why: 'b is slow', at: AT }, { later: 1 });
    expect(text).toBe(
      `{"at":"${AT}","later":1,"weights":{"a.1":{"base":1,"weight":64},"b":{"base":2,"weight":0}},"why":"b is slow"}`,
    );
    const { value, raw } = decodeComputedWeights('web', text);
    expect([...value.weights]).toEqual([...weights].toReversed());
    expect(raw['later']).toBe(1);
  });

  it.each([
    ['{"weights":{"a":{"weight":-1,"base":1}},"why":"","at":"2026-01-31T09:30:00.000Z"}', 'weights.a.weight'],
    ['{"weights":{"a":{"weight":1,"base":0}},"why":"","at":"2026-01-31T09:30:00.000Z"}', 'weights.a.base'],
    ['{"weights":{"a/b":{"weight":1,"base":1}},"why":"","at":"2026-01-31T09:30:00.000Z"}', 'weights'],
  ])('are refused where they cannot be: %s', (json, field) => {
    expect(() => decodeComputedWeights('web', json)).toThrow(field);
  });

  it('never give a weight to what has none, nor take the last one from what has some', () => {
    const weight = fc.record({ weight: fc.nat(65_535), base: fc.integer({ min: 1, max: 65_535 }) });
    const instances = fc.uniqueArray(fc.record({ id: fc.constantFrom(...IDS), weight: fc.nat(65_535) }), {
      selector: ({ id }) => id,
    });
    fc.assert(
      fc.property(instances, fc.dictionary(fc.constantFrom(...IDS), weight), (present, computed) => {
        const effective = effectiveWeights(present, new Map(Object.entries(computed)));
        expect(effective).toHaveLength(present.length);
        for (const [index, { weight: base }] of present.entries()) {
          const now = effective[index] ?? Number.NaN;
          expect(Number.isInteger(now) && now >= 0 && now <= 65_535).toBe(true);
          expect(base === 0 ? now : 0).toBe(0);
        }
        const known = present.filter(({ id }) => computed[id] !== undefined);
        const nothing = known.every(({ id }) => computed[id]?.weight === 0);
        expect(nothing ? effective : []).toEqual(nothing ? present.map(({ weight: base }) => base) : []);
      }),
      { numRuns: 300, seed: 5 },
    );
  });
});
