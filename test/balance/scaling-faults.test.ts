import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideScaling, type ScalingInput } from '../../src/balance/scaling.ts';
import { isFromFuture, resumed } from '../../src/balance/scaling-history.ts';
import type { ScaledInstance } from '../../src/balance/scaling-readings.ts';
import type { ScalingState } from '../../src/model/scaling.ts';
import { CPU_POLICY, drive, finals, instances, type Load, WALL_MS } from './scaled-service.ts';

const idle: Load = () => ({ cpu: 0.01 });
const metrics = [
  { kind: 'connections', name: 'connections', target: 10 },
  { kind: 'cpu', name: 'cpu', target: 0.7 },
  { kind: 'rate', name: 'rate', target: 5 },
] as const;

/** Numbers that no sampling measures. */
const nonsense = fc.constantFrom(Number.NaN, Infinity, -Infinity, -1, -1e-9, 1.6e308, 2e7, undefined);

/** Ten instances of which the first so many are silent. */
const some =
  (cpu: number, silent: number) =>
  (seen: ScalingInput): ScalingInput => {
    const all: readonly ScaledInstance[] = instances(10, seen.now.ms / 1_000, { cpu });
    return { ...seen, instances: all.map((one, index) => (index < silent ? { readySinceMs: 0 } : one)) };
  };

/** Four instances with samples of this age. */
const aged =
  (ageMs: number) =>
  (seen: ScalingInput): ScalingInput => {
    const load = { arrivedMs: seen.now.ms - ageMs, cpu: 1 };
    return { ...seen, instances: Array.from({ length: 4 }, () => ({ readySinceMs: 0, load })) };
  };

/** One instance that becomes ready at second 4. */
const young = (seen: ScalingInput, second: number): ScalingInput => {
  const load = { arrivedMs: seen.now.ms, cpu: 1 };
  return { ...seen, instances: second < 4 ? [{}] : [{ readySinceMs: 0, load }] };
};

/** One load after another. */
const at =
  (parts: readonly { readonly cpu: number; readonly seconds: number }[]): Load =>
  (second) => {
    let end = 0;
    return { cpu: parts.find(({ seconds }) => second < (end += seconds))?.cpu ?? parts.at(-1)?.cpu };
  };

/** Four instances at one time. */
const lookAt = (ms: number, cpu: number): ScalingInput => ({
  policy: CPU_POLICY,
  replicas: 4,
  instances: instances(4, ms / 1_000, { cpu }),
  values: new Map(),
  now: { ms, wallMs: WALL_MS + ms },
});

/** The same look by a leader whose clock starts at 5,000 s and whose wall clock is an hour behind. */
const behind = (seen: ScalingInput): ScalingInput => ({
  ...seen,
  now: { ms: seen.now.ms, wallMs: seen.now.ms - 5_000_000 + WALL_MS - 3_600_000 },
});

/** What is wanted then. */
const wants = (cpu: number, silent: number): number | undefined =>
  drive({ from: 100, to: 102, replicas: 10, load: idle, input: some(cpu, silent) })[0]?.want;

/** What limits it then. */
const limiterAt = (ageMs: number): string | undefined =>
  drive({ from: 100, to: 102, replicas: 4, load: idle, input: aged(ageMs) })[0]?.limiter.kind;

describe('data that cannot be believed', () => {
  it('never makes it fewer: nonsense, missing and old samples, seeded', () => {
    const sample = fc.record({
      cpu: nonsense,
      connections: nonsense,
      newConnections: nonsense,
      acceptQueue: nonsense,
    });
    const policies = fc.constantFrom(CPU_POLICY, { ...CPU_POLICY, metrics });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 20 }), policies, (samples, policy) => {
        const load: Load = (second) => samples[(second / 2) % samples.length] ?? {};
        const decisions = drive({ to: 420, replicas: 6, load, policy });
        expect(finals(decisions).every((final) => final === 6)).toBe(true);
        expect(decisions.at(-1)?.limiter.kind).toBe('stale');
      }),
      { seed: 1, numRuns: 12 },
    );
  });

  it('never makes it fewer in the time after it, when all is well again', () => {
    const calm = drive({ to: 298, replicas: 6, load: idle });
    const blind = drive({
      from: 298,
      to: 310,
      replicas: 6,
      load: () => ({ cpu: Number.NaN }),
      state: calm.at(-1)?.state,
    });
    const after = drive({ from: 310, to: 606, replicas: 6, load: idle, state: blind.at(-1)?.state });
    expect(new Set(finals([...calm, ...blind, ...after]))).toEqual(new Set([6]));
  });

  it('counts silent instances as full ones when fewer are wanted, and as idle ones when more are', () => {
    // 6 × 0.2 + 4 × 1 are 5.2, at 70 % 7.4.
    expect(wants(0.2, 4)).toBe(8);
    expect(wants(0.2, 0)).toBe(3);
    // 7 × 1 / 0.7 is 10: what is silent asks for nothing.
    expect(wants(1, 3)).toBe(10);
    expect(wants(1, 0)).toBe(15);
    expect(wants(0.2, 6)).toBe(10);
  });

  it('is one sample that is older than 6 s, or from the future', () => {
    expect([limiterAt(0), limiterAt(6_000), limiterAt(6_001), limiterAt(-1)]).toEqual([
      'none',
      'none',
      'stale',
      'stale',
    ]);
  });

  it('is nothing at all while no instance has been ready for 10 s', () => {
    const decisions = drive({ to: 14, replicas: 1, load: idle, input: young });
    expect(decisions.filter(({ second }) => second < 10).map(({ limiter }) => limiter.kind)).toEqual(
      Array.from({ length: 5 }, () => 'warming'),
    );
    expect(decisions.at(-1)?.final).toBe(2);
  });
});

describe('time that cannot be believed', () => {
  const calm = drive({ to: 400, replicas: 6, load: idle, policy: { ...CPU_POLICY, min: 6 } }).at(-1)?.state;
  const first = (shift: { readonly ms?: number; readonly wallMs?: number }) =>
    drive({
      from: 400,
      to: 402,
      replicas: 6,
      load: idle,
      state: calm,
      input: (seen) => {
        const { ms, wallMs } = seen.now;
        const now = { ms: ms + (shift.ms ?? 0), wallMs: wallMs + (shift.ms ?? 0) + (shift.wallMs ?? 0) };
        return { ...seen, now, instances: instances(6, now.ms / 1_000, { cpu: 0.01 }) };
      },
    })[0];

  it('would make it fewer if it were believed', () => {
    expect(first({})?.final).toBe(5);
  });

  it.each([
    ['the wall clock was set an hour ahead', { wallMs: 3_600_000 }],
    ['the wall clock was set an hour back', { wallMs: -3_600_000 }],
    ['the leader was paused for a minute', { ms: 60_000 }],
    ['the clock of the leader went back', { ms: -60_000 }],
  ])('makes fewer wait: %s', (_, shift) => {
    expect(first(shift)).toMatchObject({ final: 6, limiter: { kind: 'stabilised', agoSeconds: 0 } });
  });

  /** Six were wanted until second 100; another leader, with another clock, begins at second 300 of it. */
  const busy = drive({ to: 500, replicas: 6, load: (second) => ({ cpu: second < 100 ? 0.7 : 0.1 }) });
  const goOn = (ageMs: number) => {
    const state = busy.find(({ second }) => second === 300)?.state;
    if (state === undefined) throw new Error('no look at second 300');
    const after = resumed(state, { ms: 5_000_000, wallMs: WALL_MS - 3_600_000 }, ageMs);
    const decisions = drive({
      from: 5_000,
      to: 5_400,
      replicas: 6,
      load: () => ({ cpu: 0.1 }),
      state: after,
      input: behind,
    });
    return decisions.find(({ final }) => final < 6)?.second;
  };
  const alone = busy.find(({ final }) => final < 6)?.second ?? 0;

  it('does not begin anew with another leader, whatever its clocks: what was seen goes on to count', () => {
    expect(alone).toBeGreaterThan(398);
    // Ten seconds without a leader, then the rest of the five minutes.
    expect(goOn(10_000)).toBe(5_000 + alone - 310);
    // Not knowing how old it is, it waits longer, never less.
    expect(goOn(0)).toBe(5_000 + alone - 300);
  });

  it('knows a state that cannot be', () => {
    if (calm === undefined) throw new Error('no state');
    expect(isFromFuture(calm)).toBe(false);
    expect(isFromFuture({ ...calm, reversals: [calm.ms + 1] })).toBe(true);
    expect(isFromFuture({ ...calm, peaks: [{ ms: calm.ms + 1, count: 1 }] })).toBe(true);
  });
});

describe('any load at all, seeded', () => {
  const loads = fc.array(
    fc.record({ cpu: fc.double({ min: 0, max: 1, noNaN: true }), seconds: fc.integer({ min: 2, max: 200 }) }),
    {
      minLength: 1,
      maxLength: 12,
    },
  );

  it('keeps the bounds, the growth of 15 s and the shrink of 30 s', () => {
    fc.assert(
      fc.property(loads, fc.integer({ min: 2, max: 40 }), (parts, replicas) => {
        const policy = { ...CPU_POLICY, min: 2, max: 40, downAfterSeconds: 30 };
        const decisions = drive({ to: 700, replicas, load: at(parts), policy });
        const breaks = decisions.filter(({ from, final, second }, index) => {
          const window = decisions.slice(Math.max(0, index - 7), index + 1);
          const lowest = Math.min(...window.map((one) => one.from));
          const last = decisions.slice(0, index).findLast((one) => one.final < one.from);
          const isInBounds = final >= 2 && final <= 40;
          const isGrowth = final <= Math.max(2 * lowest, lowest + 4, from);
          const isShrink =
            from - final <= Math.max(1, Math.floor(from / 4)) && second - (last?.second ?? -30) >= 30;
          return !isInBounds || !isGrowth || (final < from && !isShrink);
        });
        expect(breaks).toEqual([]);
      }),
      { seed: 2, numRuns: 15 },
    );
  });

  it('never leaves a service below its load for longer than the growth allows', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 40, noNaN: true }),
        fc.integer({ min: 1, max: 60 }),
        (work, replicas) => {
          const load: Load = (_, count) => ({ cpu: Math.min(1, work / count) });
          const last = drive({ to: 120, replicas, load }).at(-1);
          expect(last?.final).toBeGreaterThanOrEqual(Math.floor(work / 0.7 / 1.1));
        },
      ),
      { seed: 3, numRuns: 40 },
    );
  });

  it('decides the same from the same, and from a state that was stored as JSON', () => {
    fc.assert(
      fc.property(loads, (parts) => {
        const input = { policy: { ...CPU_POLICY, downAfterSeconds: 30 }, replicas: 6, load: at(parts) };
        const through = drive({ ...input, to: 200 });
        const half = through.find(({ second }) => second === 100);
        const stored: ScalingState = JSON.parse(JSON.stringify(half?.state));
        expect(stored).toEqual(half?.state);
        const again = drive({ ...input, from: 102, to: 200, replicas: half?.final ?? 0, state: stored });
        expect(again).toEqual(through.filter(({ second }) => second > 100));
      }),
      { seed: 4, numRuns: 6 },
    );
  });

  it('remembers little, however long it runs', () => {
    const last = drive({
      to: 1_500,
      replicas: 6,
      load: (second) => ({ cpu: (Math.sin(second / 40) + 1) / 2 }),
    }).at(-1);
    expect(JSON.stringify(last?.state).length).toBeLessThan(16_000);
  });
});

describe('a look', () => {
  it('within the same second weighs no more than one', () => {
    let state = decideScaling(lookAt(1_000_000, 0.5), undefined).state;
    for (let index = 1; index <= 9; index += 1)
      state = decideScaling(lookAt(1_000_000 + index * 100, 0.9), state).state;
    expect(state.points).toHaveLength(1);
    expect(decideScaling(lookAt(1_002_000, 0.5), state).proposals[0]?.value).toBeCloseTo(0.7, 9);
  });
});
