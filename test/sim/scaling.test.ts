import { describe, expect, it } from 'vitest';
import { hpa } from './scaling/hpa.ts';
import { meanOutcome, type TraceName } from './scaling/compare.ts';
import { kpa } from './scaling/kpa.ts';
import { nomad } from './scaling/nomad.ts';
import { POLICY, sluice } from './scaling/sluice.ts';
import { simulate, TRACES } from './scaling/world.ts';

// What a few seeds give; the figures of docs/benchmarks.md come from more.
const SEEDS = 3;

/** Bounds that the algorithm keeps with room for the few seeds, and that a broken one does not. */
const BOUNDS: readonly (readonly [trace: TraceName, delayed: number, changes: number, turns: number])[] = [
  ['step × 3', 0.026, 11, 1],
  ['spikes', 0.03, 8, 2],
  ['noise', 0.0005, 4, 1],
  ['ramp', 0.001, 14, 1],
];

describe('scaling in the simulation', () => {
  it.each(BOUNDS)('keeps %s within its bounds', (trace, delayed, changes, turns) => {
    const outcome = meanOutcome(() => sluice(), trace, SEEDS);
    expect(outcome.delayed).toBeLessThanOrEqual(delayed);
    expect(outcome.changes).toBeLessThanOrEqual(changes);
    expect(outcome.turns).toBeLessThanOrEqual(turns);
  });

  it('would be caught if it waited before it grows, or shrank too soon', () => {
    const slow = meanOutcome(() => sluice({ ...POLICY, cooldownUpSeconds: 30 }), 'step × 3', 1);
    expect(slow.delayed).toBeGreaterThan(0.026);
    const hasty = meanOutcome(() => sluice({ ...POLICY, downAfterSeconds: 30 }), 'spikes', 1);
    expect(hasty.delayed).toBeGreaterThan(0.03);
    expect(hasty.turns).toBeGreaterThan(2);
  });

  it('does better than the HPA and Nomad, and turns less than the KPA', () => {
    const step = meanOutcome(() => sluice(), 'step × 3', 1);
    const others = [hpa, nomad].map((make) => meanOutcome(make, 'step × 3', 1).delayed);
    expect(Math.min(...others)).toBeGreaterThan(1.5 * step.delayed);
    expect(meanOutcome(kpa, 'step × 3', 1).turns).toBeGreaterThan(5 * step.turns);
  });

  it('is the same with the same seed', () => {
    expect(simulate(TRACES.noise, sluice(), 7)).toEqual(simulate(TRACES.noise, sluice(), 7));
    expect(simulate(TRACES.noise, sluice(), 7)).not.toEqual(simulate(TRACES.noise, sluice(), 8));
  });
});
