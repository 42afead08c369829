import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Turn, turnMatch, turnsOf } from '../../../src/rules/nftables/turns.ts';

/** Runs the rules of weights (rule order) for so many connections, as the kernel does: each rule has a counter of its own. */
function run(weights: readonly number[], connections: number, seed: string | undefined): readonly number[] {
  let total = 0;
  const rules = weights
    .flatMap((weight, at) => {
      total += weight;
      const turns: readonly Turn[] = at === 0 ? [{ modulus: 1, count: 1 }] : turnsOf(weight, total);
      return [
        turns.map((turn, number) => ({
          at,
          match: turnMatch(turn, seed === undefined ? undefined : `${seed}${at}/${number}`),
        })),
      ];
    })
    .toReversed()
    .flat();
  const counters = rules.map(({ match }) => {
    const [, modulus, not, first, last] = /^numgen inc mod (\d+) (!= )?(\d+)(?:-(\d+))?$/.exec(match) ?? [];
    const range = { first: Number(first), last: Number(last ?? first), isInverse: not !== undefined };
    return { ...range, modulus: Number(modulus), value: -1 };
  });
  const got = weights.map(() => 0);
  for (let n = 0; n < connections; n += 1) {
    for (const [index, counter] of counters.entries()) {
      counter.value = (counter.value + 1) % counter.modulus;
      if ((counter.value >= counter.first && counter.value <= counter.last) === counter.isInverse) continue;
      const at = rules[index]?.at ?? 0;
      got[at] = (got[at] ?? 0) + 1;
      break;
    }
  }
  return got;
}

describe('turns', () => {
  it.each([
    [[1, 2, 7], 3000, [300, 600, 2100]],
    [[1, 1, 1, 1, 1], 3000, [600, 600, 600, 600, 600]],
    [[3, 1], 4, [3, 1]],
    [[99, 1], 1000, [990, 10]],
    [[1, 99], 1000, [10, 990]],
  ])('of the weights %j give %i connections as %j, whatever the phases', (weights, connections, expected) => {
    for (const seed of [undefined, 'a', 'b', 'c']) expect(run(weights, connections, seed)).toEqual(expected);
  });

  it('keep every instance within the number of instances of its share, whatever the weights', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 65_535 })), {
          minLength: 1,
          maxLength: 8,
        }),
        fc.string(),
        (weights, seed) => {
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          const got = run(weights, 3000, seed);
          expect(got.reduce((sum, count) => sum + count, 0)).toBe(3000);
          for (const [at, weight] of weights.entries()) {
            const off = Math.abs((got[at] ?? 0) - (3000 * weight) / total);
            expect(off, `${weights.join()} ${at}`).toBeLessThanOrEqual(Math.max(weights.length, 2));
          }
        },
      ),
      { seed: 52, numRuns: 300 },
    );
  }, 60_000);

  it('are one for small weights, several short ones where one would be a long run', () => {
    expect(turnsOf(7, 10)).toEqual([{ modulus: 10, count: 7 }]);
    expect(turnsOf(2000, 3000)).toEqual([{ modulus: 3, count: 2 }]);
    expect(turnsOf(99, 199).slice(0, 2)).toEqual([
      { modulus: 3, count: 1 },
      { modulus: 5, count: 1 },
    ]);
    const taken = turnsOf(99, 199).reduce((left, { modulus, count }) => left * (1 - count / modulus), 1);
    expect(1 - taken).toBeCloseTo(99 / 199, 6);
    for (const [weight, total] of [
      [65_535, 131_071],
      [1, 262_140_000],
      [262_139_999, 262_140_000],
    ] as const) {
      for (const { modulus, count } of turnsOf(weight, total)) {
        expect(modulus).toBeLessThan(2 ** 32);
        expect(count).toBeLessThan(modulus);
      }
    }
  });

  it('begin elsewhere on every node', () => {
    const firsts = new Set(
      Array.from({ length: 50 }, (_, node) => turnMatch({ modulus: 5, count: 1 }, `n${node}`)),
    );
    expect(firsts.size).toBe(5);
  });

  it('give each connection after a rewrite to an instance as often as any other, on all nodes together', () => {
    const weights = [1, 1, 3, 4];
    const nodes = Array.from({ length: 1_000 }, (_, node) => run(weights, 1, `n${node}`));
    for (const [at, weight] of weights.entries()) {
      const share = nodes.reduce((sum, got) => sum + (got[at] ?? 0), 0) / nodes.length;
      expect(Math.abs(share - weight / 9), `instance ${at}`).toBeLessThan(0.06);
    }
  });
});
