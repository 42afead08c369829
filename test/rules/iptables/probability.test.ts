import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { probabilityText } from '../../../src/rules/iptables/probability.ts';

/** What the kernel makes of a text: an integer of 2^31 parts. */
const parts = (text: string): number => Math.round(Number(text) * 2 ** 31);

/** 11 digits of n / 2^31 in exact integers, ties to even, as printf prints it. */
function printed(count: number): string {
  const scaled = BigInt(count) * 10n ** 11n;
  const whole = scaled >> 31n;
  const rest = scaled - (whole << 31n);
  const half = 1n << 30n;
  const rounded = rest > half || (rest === half && whole % 2n === 1n) ? whole + 1n : whole;
  return `0.${rounded.toString().padStart(11, '0')}`;
}

describe('the text of a probability', { timeout: 60_000 }, () => {
  it.each([
    [1 / 3, '0.33333333349'],
    [0.1, '0.10000000009'],
    [2 / 9, '0.22222222202'],
    [1 / 2, '0.50000000000'],
    [1 / 4096, '0.00024414062'],
    [3 / 4096, '0.00073242188'],
    [1e-12, '0.00000000047'],
    [1 - 1e-12, '0.99999999953'],
  ])('of %f is %s', (probability, text) => {
    expect(probabilityText(probability)).toBe(text);
  });

  it('is a fixed point: what the kernel prints of it is the same text', () => {
    const ties = fc.integer({ min: 1, max: 2047 }).map((odd) => (2 * odd + 1) / 4096);
    const shares = fc.tuple(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 1, max: 1e9 }));
    const any = fc.oneof(
      ties,
      shares.map(([one, rest]) => one / (one + rest)),
    );
    fc.assert(
      fc.property(any, (probability) => {
        const text = probabilityText(probability);
        expect(text).toMatch(/^0\.\d{11}$/);
        expect(printed(parts(text))).toBe(text);
        expect(Math.abs(Number(text) - probability)).toBeLessThan(2 ** -31 + 1e-11);
      }),
      { seed: 21, numRuns: 5000 },
    );
  });
});
