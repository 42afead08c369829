import { describe, expect, it } from 'vitest';
import { healPace } from '../../src/agent/heal-pace.ts';

/** Pauses of repairs that take `tookMs` each and are undone at once. */
const fight = (tookMs: number, rounds: number): readonly number[] => {
  const pace = healPace();
  let now = 0;
  return Array.from({ length: rounds }, () => {
    const pause = pace.pauseFor(now);
    now += pause + tookMs;
    pace.repaired(now, { by: 'firewalld', tookMs });
    return pause;
  });
};

describe('the pace of repairs', () => {
  it('is at once, however often, as long as repairs last a moment', () => {
    const pace = healPace();
    for (let now = 0; now < 50_000; now += 600) {
      expect(pace.pauseFor(now)).toBe(0);
      pace.repaired(now + 20, { by: 'nft', tookMs: 20 });
    }
  });

  it('is at once for a burst, then one in half a second, against a program that undoes every repair', () => {
    const pauses = fight(20, 40);
    expect(pauses.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 0));
    expect(pauses.slice(-10)).toEqual(Array.from({ length: 10 }, () => 480));
  });

  it('spends at most a quarter of the time on repairs that take long', () => {
    expect(fight(700, 60).at(-1)).toBe(2_800 - 700);
  });

  it('tells of a fight with the name of the other, and is silent again a minute after it', () => {
    const pace = healPace();
    expect(pace.trouble(0)).toBeUndefined();
    for (let now = 0; now < 5; now += 1) pace.repaired(now, { by: 'firewalld (pid 9)', tookMs: 1 });
    expect(pace.trouble(10)).toMatch(/changed by another program .* last by firewalld \(pid 9\)/);
    expect(pace.trouble(61_000)).toBeUndefined();
  });
});
