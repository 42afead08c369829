import { describe, expect, it } from 'vitest';
import { healPace } from '../../src/agent/heal-pace.ts';

describe('the pace of repairs', () => {
  it('is at once, however often, as long as repairs last a moment', () => {
    const pace = healPace();
    for (let now = 0; now < 50_000; now += 1_000) {
      expect(pace.pauseFor(now)).toBe(0);
      pace.repaired(now + 20, 'nft');
    }
  });

  it('slows down against a program that undoes every repair, to one in 30 s', () => {
    const pace = healPace();
    const pauses: number[] = [];
    for (let now = 0, round = 0; round < 16; round += 1) {
      const pause = pace.pauseFor(now);
      pauses.push(pause);
      now += pause + 20;
      pace.repaired(now, 'firewalld');
      now += 10;
    }
    expect(pauses.slice(0, 9)).toEqual([0, 0, 0, 0, 0, 100, 200, 400, 800]);
    expect(pauses.at(-1)).toBe(30_000);
  });

  it('tells of a fight with the name of the other, and is silent again a minute after it', () => {
    const pace = healPace();
    expect(pace.trouble(0)).toBeUndefined();
    for (let now = 0; now < 5; now += 1) pace.repaired(now, 'firewalld (pid 9)');
    expect(pace.trouble(10)).toMatch(/changed by another program .* last by firewalld \(pid 9\)/);
    expect(pace.trouble(61_000)).toBeUndefined();
  });
});
