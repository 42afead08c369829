import { describe, expect, it } from 'vitest';
import { isNews } from '../../src/balance/scaling-news.ts';
import type { ScalingLimiter, ScalingOutcome } from '../../src/model/scaling.ts';
import { drive, type Load } from './scaled-service.ts';

function outcome(
  kind: ScalingLimiter,
  { final = 5, mode = 'act' as const }: Partial<ScalingOutcome> = {},
): ScalingOutcome {
  return { from: 5, want: final, final, mode, ready: 5, coming: 0, proposals: [], limiter: kind };
}

const TOLERANCE = { kind: 'tolerance' } as const;
const STABILISED = { kind: 'stabilised', count: 5, agoSeconds: 2 } as const;
const STALE = { kind: 'stale', metrics: ['cpu'] } as const;

const hovering: Load = (second, replicas) => ({ cpu: (2.8 + 0.4 * Math.sin(second)) / replicas });

describe('a decision is news', () => {
  it.each([
    ['the first one', undefined, outcome(TOLERANCE), 0, true],
    ['another number', outcome(TOLERANCE), outcome(TOLERANCE, { final: 8 }), 2, true],
    ['the same as before', outcome(STALE), outcome(STALE), 3_600, false],
    ['another reason that matters, at once', outcome(TOLERANCE), outcome(STALE), 2, true],
    ['a reason that comes with noise, soon', outcome(TOLERANCE), outcome(STABILISED), 2, false],
    ['a reason that comes with noise, later', outcome(TOLERANCE), outcome(STABILISED), 60, true],
    [
      'the same advice',
      outcome(TOLERANCE, { final: 8, mode: 'recommend' }),
      outcome(TOLERANCE, { final: 8, mode: 'recommend' }),
      90,
      false,
    ],
    [
      'other advice',
      outcome(TOLERANCE, { final: 8, mode: 'recommend' }),
      outcome(TOLERANCE, { final: 9, mode: 'recommend' }),
      2,
      true,
    ],
    ['that it acts now', outcome(TOLERANCE, { mode: 'recommend' }), outcome(TOLERANCE), 2, true],
  ])('or not: %s', (_, last, next, seconds, expected) => {
    const before = last === undefined ? undefined : { outcome: last, ms: 0 };
    expect(isNews(before, { outcome: next, ms: seconds * 1_000 })).toBe(expected);
  });

  it('a few times an hour under a load that hovers at a threshold', () => {
    let last: Parameters<typeof isNews>[0];
    let count = 0;
    for (const decision of drive({ to: 3_600, replicas: 5, load: hovering })) {
      const next = { outcome: decision, ms: decision.second * 1_000 };
      if (!isNews(last, next)) continue;
      last = next;
      count += 1;
    }
    expect(count).toBeGreaterThanOrEqual(1);
    expect(count).toBeLessThanOrEqual(60);
  });
});
