/** Tests the numbers below the controller: water-filling and weights as integers. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { integerWeights, sumOfWeights } from '../../../src/balance/adaptive/integers.ts';
import { waterShares } from '../../../src/balance/adaptive/water.ts';

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);

describe('water-filling', () => {
  it('follows capacity where nothing stands in the way', () => {
    expect(
      waterShares(
        [
          { capacity: 2, content: 0 },
          { capacity: 1, content: 0 },
        ],
        30,
      ),
    ).toEqual([2 / 3, 1 / 3]);
  });

  it('gives all to the empty one until it has as much as the others', () => {
    const [full, empty] = waterShares(
      [
        { capacity: 1, content: 100 },
        { capacity: 1, content: 0 },
      ],
      50,
    );
    expect([full, empty]).toEqual([0, 1]);
  });

  it('fills to one level: who gets something stands at it, who gets nothing above it', () => {
    const vessel = fc.record({
      capacity: fc.double({ min: 0.02, max: 50, noNaN: true }),
      content: fc.double({ min: 0, max: 1e6, noNaN: true }),
    });
    const vessels = fc.array(vessel, { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(vessels, fc.double({ min: 1, max: 1e6, noNaN: true }), (list, amount) => {
        const shares = waterShares(list, amount);
        expect(sum(shares)).toBeCloseTo(1, 6);
        const levels = list.map(
          ({ capacity, content }, index) => (content + (shares[index] ?? 0) * amount) / capacity,
        );
        const level = Math.min(...levels);
        const uneven = shares.filter(
          (share, index) => share > 1e-9 && (levels[index] ?? 0) > level * (1 + 1e-6) + 1e-6,
        );
        expect(uneven).toEqual([]);
      }),
      { seed: 1 },
    );
  });
});

describe('weights as integers', () => {
  it('are 64ths of a few, so that rules stay simple', () => {
    expect(integerWeights([0.5, 0.25, 0.25])).toEqual([32, 16, 16]);
    expect(integerWeights([1])).toEqual([64]);
  });

  it('have the same sum whatever the shares, lose nobody, and are off by less than one where nobody had to be lifted', () => {
    const parts = fc.array(fc.double({ min: 1e-6, max: 1, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(parts, (list) => {
        const all = sum(list);
        const shares = list.map((part) => part / all);
        const weights = integerWeights(shares);
        const whole = sumOfWeights(shares.length);
        expect(sum(weights)).toBe(whole);
        expect(weights.every((weight) => Number.isInteger(weight) && weight >= 1)).toBe(true);
        const isCoarse = shares.every((share) => share * whole >= 1);
        const off = weights.map((weight, index) => Math.abs(weight - (shares[index] ?? 0) * whole));
        expect(isCoarse ? Math.max(...off) : 0).toBeLessThan(1);
      }),
      { seed: 1 },
    );
  });

  it('can give the least share, a tenth of a fair one, and stay weights with 4,000 instances', () => {
    for (const count of [1, 6, 7, 100, 4_000]) {
      const fair = sumOfWeights(count) / count;
      expect(fair / 10).toBeGreaterThanOrEqual(1);
      expect(sumOfWeights(count)).toBeLessThanOrEqual(65_535);
    }
  });
});
