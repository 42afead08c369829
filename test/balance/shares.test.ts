import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conditionalProbabilities, sharesOf } from '../../src/balance/shares.ts';

describe('conditional probabilities', () => {
  it('are 1/i for equal weights', () => {
    expect(conditionalProbabilities([5, 5, 5, 5])).toEqual([1, 1 / 2, 1 / 3, 1 / 4]);
  });

  it('are w_i / (w_1 + … + w_i) for any weights', () => {
    expect(conditionalProbabilities([1, 2, 7])).toEqual([1, 2 / 3, 7 / 10]);
  });

  it('refuse an empty list and weights without a rule', () => {
    for (const weights of [[], [0], [1, -1], [1.5], [Number.NaN]]) {
      expect(() => conditionalProbabilities(weights)).toThrow(expect.objectContaining({ code: 'internal' }));
    }
  });

  it('give every instance its share when rules are tried from the last to the first', () => {
    const weights = fc.array(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 50 });
    fc.assert(
      fc.property(weights, (list) => {
        const probabilities = conditionalProbabilities(list);
        const shares = sharesOf(list);
        let left = 1;
        for (let at = list.length - 1; at >= 0; at -= 1) {
          expect(left * (probabilities[at] ?? 0)).toBeCloseTo(shares[at] ?? 0, 10);
          left *= 1 - (probabilities[at] ?? 0);
        }
        expect(left).toBe(0);
      }),
      { seed: 1 },
    );
  });

  it('do not change for older instances when a newer one comes', () => {
    expect(conditionalProbabilities([3, 1, 4, 9]).slice(0, 3)).toEqual(conditionalProbabilities([3, 1, 4]));
  });
});

describe('shares', () => {
  it('are fractions of the sum, zeros included', () => {
    expect(sharesOf([1, 0, 3])).toEqual([0.25, 0, 0.75]);
  });

  it('are all zero when nothing has weight', () => {
    expect(sharesOf([0, 0])).toEqual([0, 0]);
    expect(sharesOf([])).toEqual([]);
  });
});
