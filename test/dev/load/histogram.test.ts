import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHistogram, quantilesOf } from '../../../src/dev/load/histogram.ts';

describe('the histogram of durations', () => {
  it('is empty at first', () => {
    expect(quantilesOf(createHistogram())).toEqual({ p50: 0, p90: 0, p99: 0, max: 0 });
  });

  it('gives each quantile within 1/32 above the exact one and never above the maximum', () => {
    const durations = fc.array(fc.double({ min: 0, max: 100_000, noNaN: true }), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(durations, fc.double({ min: 0.01, max: 1, noNaN: true }), (list, q) => {
        const histogram = createHistogram();
        for (const ms of list) histogram.add(ms);
        const exact = list.toSorted((a, b) => a - b)[Math.ceil(q * list.length) - 1] ?? 0;
        const found = histogram.quantile(q);
        expect(found).toBeGreaterThanOrEqual(exact - 0.001);
        expect(found).toBeLessThanOrEqual(Math.min(exact * (1 + 1 / 32) + 0.002, histogram.max()));
      }),
      { seed: 7, numRuns: 300 },
    );
  });

  it('counts negative durations as zero and huge ones as the largest bucket', () => {
    const histogram = createHistogram();
    histogram.add(-5);
    histogram.add(1e12);
    expect(histogram.count()).toBe(2);
    expect(histogram.quantile(0.5)).toBeLessThanOrEqual(0.001);
    expect(histogram.max()).toBe(1e12);
  });
});
