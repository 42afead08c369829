import { describe, expect, it } from 'vitest';
import { nextRoundAt } from '../../../src/agent/instances/prober.ts';

describe('the next round', () => {
  it('begins one interval later on the same half second, however late the last one began on its own', () => {
    expect(nextRoundAt(10_000, 2_000)).toBe(12_000);
    expect(nextRoundAt(10_120, 2_000)).toBe(12_000);
    expect(nextRoundAt(10_120, 1_000)).toBe(11_000);
  });

  it('is never later than its interval', () => {
    expect(nextRoundAt(10_000, 1_900)).toBe(11_500);
  });

  it('of an instance that is waited for is not put off or brought forward', () => {
    expect(nextRoundAt(10_120, 200)).toBe(10_320);
  });
});
