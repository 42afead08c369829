import { describe, expect, it } from 'vitest';
import { constantLoad, CPU_POLICY, drive, finals, type Load, spread, WALL_MS } from './scaled-service.ts';

const until = (second: number): string => new Date(WALL_MS + second * 1_000).toISOString();
const blind: Load = () => ({});

describe('people', () => {
  it('pin a number that no load changes until it ends', () => {
    const pin = { replicas: 3, until: until(100) };
    const decisions = drive({
      to: 140,
      replicas: 3,
      load: constantLoad(1),
      input: (seen) => ({ ...seen, pin }),
    });
    expect(new Set(finals(decisions.filter(({ second }) => second < 100)))).toEqual(new Set([3]));
    expect(decisions[0]).toMatchObject({ limiter: { kind: 'pin', until: pin.until }, nextSeconds: 100 });
    expect(finals(decisions).at(-1)).toBeGreaterThan(3);
  });

  it('set another number by hand, which is not undone at once', () => {
    const before = drive({ to: 400, replicas: 2, load: spread(() => 1.4) });
    const decisions = drive({
      from: 400,
      to: 800,
      replicas: 6,
      load: spread(() => 1.4),
      state: before.at(-1)?.state,
    });
    expect(decisions.filter(({ second }) => second < 700).every(({ final }) => final === 6)).toBe(true);
    expect(finals(decisions).at(-1)).toBeLessThan(6);
  });

  it('set bounds that hold whatever is measured', () => {
    expect(drive({ to: 2, replicas: 2, load: blind, policy: { ...CPU_POLICY, min: 5 } })[0]).toMatchObject({
      final: 5,
      limiter: { kind: 'min', min: 5 },
    });
    const fewer = drive({ to: 200, replicas: 12, load: blind, policy: { ...CPU_POLICY, max: 5 } });
    expect(fewer[0]).toMatchObject({ final: 9, limiter: { kind: 'rate', direction: 'down' } });
    expect(finals(fewer).at(-1)).toBe(5);
  });

  it('get recommendations without anything being done', () => {
    const decisions = drive({
      to: 60,
      replicas: 4,
      load: constantLoad(1),
      policy: { ...CPU_POLICY, mode: 'recommend' },
    });
    expect(decisions.every(({ act, from }) => !act && from === 4)).toBe(true);
    expect(decisions.at(-1)).toMatchObject({ final: 6, mode: 'recommend' });
  });

  it('wait between changes as long as they say', () => {
    const policy = { ...CPU_POLICY, cooldownUpSeconds: 60 };
    const decisions = drive({ to: 70, replicas: 2, load: constantLoad(0.95), policy });
    expect(decisions.filter(({ act }) => act).map(({ second }) => second)).toEqual([0, 62]);
    expect(decisions[5]).toMatchObject({
      limiter: { kind: 'cooldown', direction: 'up', seconds: 60 },
      nextSeconds: 52,
    });
  });
});
