import { describe, expect, it } from 'vitest';
import { hasStarted } from '../../../src/agent/instances/phase-views.ts';
import { lifeIn, TIMING } from './lives.ts';

describe('the start of an instance', () => {
  it('is over when it is ready, or after a third of its start period', () => {
    const begun = 1_000_000;
    const starting = lifeIn({ kind: 'starting', until: begun + TIMING.startMs, well: 1 });
    const seen = [0, 3_300, 3_400, 9_000].map((ms) => hasStarted(starting, begun + ms));
    expect(seen).toEqual([false, false, true, true]);
    expect(hasStarted(lifeIn({ kind: 'ready', since: begun, unwell: 0 }), begun)).toBe(true);
    expect(hasStarted(lifeIn({ kind: 'unwell', until: begun, well: 0 }), begun)).toBe(true);
  });
});
