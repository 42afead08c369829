import { describe, expect, it } from 'vitest';
import { createHearing } from '../../src/registry/hearing.ts';

/** Looks every second, as the server does. */
function silentFrom(
  hearing: ReturnType<typeof createHearing>,
  fromMs: number,
  toMs: number,
): number | undefined {
  for (let nowMs = fromMs; nowMs <= toMs; nowMs += 1_000) {
    if (hearing.silent(nowMs).length > 0) return nowMs;
  }
  return undefined;
}

describe('hearing renewals', () => {
  it('takes one for silent when it did not renew for as long as it promised', () => {
    const hearing = createHearing(0);
    hearing.heard('WEB/a', 500, 10_000);
    expect(silentFrom(hearing, 0, 60_000)).toBe(11_000);
  });

  it('hears each at its own interval', () => {
    const hearing = createHearing(0);
    hearing.heard('WEB/a', 0, 5_000);
    hearing.heard('WEB/b', 0, 50_000);
    expect(silentFrom(hearing, 0, 20_000)).toBe(6_000);
    expect(hearing.silent(21_000)).toEqual(['WEB/a']);
    hearing.forget('WEB/a');
    expect(hearing.silent(22_000)).toEqual([]);
    expect(hearing.size()).toBe(1);
  });

  it('takes its own pause for nobody’s silence', () => {
    const hearing = createHearing(0);
    hearing.heard('WEB/a', 0, 10_000);
    expect(silentFrom(hearing, 0, 8_000)).toBeUndefined();
    expect(hearing.silent(100_000)).toEqual([]);
    expect(silentFrom(hearing, 101_000, 120_000)).toBe(103_000);
  });
});
