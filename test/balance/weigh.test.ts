/** Tests the weights of a service: policies, what samples move and what they must not, and when it is worth a write. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Signal } from '../../src/balance/adaptive/signals.ts';
import type { BalanceState } from '../../src/balance/adaptive/state.ts';
import {
  type Candidate,
  DEFAULT_SLOW_START_MS,
  weigh,
  type Weighing,
  type Weighting,
  type Weights,
} from '../../src/balance/weigh.ts';
import { LOAD_LIMITS } from '../../src/model/load.ts';

const ADAPTIVE: Weighting = { kind: 'adaptive', slowStartMs: DEFAULT_SLOW_START_MS };
const HOUR_MS = 3_600_000;

const instance = (id: string, more: Partial<Candidate> = {}): Candidate => ({
  id,
  ip: '10.0.1.1',
  weight: 1,
  healthy: true,
  ...more,
});
const [a, b, c] = [instance('a'), instance('b'), instance('c')];

type Seen = Readonly<Record<string, Partial<Signal>>>;

/** A leader: it remembers what it was told, and what it wrote. */
function createLeader(weighting: Weighting = ADAPTIVE, startMs = 1_000_000) {
  let state: BalanceState | undefined;
  let written: Weights | undefined;
  let nowMs = startMs;
  const look = (instances: readonly Candidate[], seen: Seen, stepMs = 2_000): Weighing => {
    nowMs += stepMs;
    const signals = new Map(
      Object.entries(seen).map(([id, signal]) => [`web/${id}`, { counters: 1, ...signal }]),
    );
    const weighing = weigh({ service: 'web', weighting, instances, signals, state, written, nowMs });
    ({ state } = weighing);
    if (weighing.write) written = weighing.weights;
    return weighing;
  };
  return {
    look,
    /** Looks for a while at the same. */
    watch: (instances: readonly Candidate[], seen: Seen, seconds: number): readonly Weighing[] =>
      Array.from({ length: seconds / 2 }, () => look(instances, seen)),
    state: () => state,
    written: () => written,
    successor: (own: BalanceState | undefined) => {
      const next = createLeader(weighting, 5_000);
      next.take(own, written);
      return next;
    },
    take: (own: BalanceState | undefined, stored: Weights | undefined) => ([state, written] = [own, stored]),
  };
}

const throughJson = (state: BalanceState | undefined): BalanceState | undefined =>
  JSON.parse(JSON.stringify(state));

const share = (weights: Weights | undefined, id: string): number => {
  const all = [...(weights ?? [])].reduce((sum, [, weight]) => sum + weight, 0);
  return (weights?.get(id) ?? 0) / all;
};
const writes = (weighings: readonly Weighing[]): number => weighings.filter(({ write }) => write).length;
const BUSY: Seen = {
  a: { cpu: 0.6, connections: 3, rate: 10 },
  b: { cpu: 0.6, connections: 3, rate: 10 },
};

describe('the policies equal and static', () => {
  it('weigh all alike, or as typed, and 0 stays 0', () => {
    const instances = [instance('b', { weight: 3 }), instance('c', { weight: 0 }), a];
    const equal = createLeader({ kind: 'equal' }).look(instances, {});
    expect([...equal.weights]).toEqual([
      ['a', 1],
      ['b', 1],
      ['c', 0],
    ]);
    expect([...createLeader({ kind: 'static' }).look(instances, {}).weights]).toEqual([
      ['a', 1],
      ['b', 3],
      ['c', 0],
    ]);
  });

  it('write once, and again when somebody comes or goes', () => {
    const leader = createLeader({ kind: 'static' });
    expect([leader.look([a, b], {}), leader.look([a, b], BUSY)].map(({ write }) => write)).toEqual([
      true,
      false,
    ]);
    expect(leader.look([b], BUSY)).toMatchObject({ write: true, reason: 'no longer: a' });
  });

  it('leave the unhealthy out, but not when they are more than half', () => {
    const sick = { healthy: false };
    const leader = createLeader({ kind: 'equal' });
    expect([...leader.look([a, b, instance('c', sick)], {}).weights.values()]).toEqual([1, 1, 0]);
    const panic = leader.look([a, instance('b', sick), instance('c', sick)], {});
    expect([...panic.weights.values()]).toEqual([1, 1, 1]);
    expect(panic).toMatchObject({ isPanic: true, write: true });
    expect(panic.reason).toContain('fewer than half are healthy');
  });
});

describe('adaptive weights', () => {
  it('begin at the base weights and stay while nothing asks for others', () => {
    const leader = createLeader();
    const first = leader.look([instance('a', { weight: 3 }), b, instance('c', { weight: 0 })], {});
    expect([...first.weights]).toEqual([
      ['a', 48],
      ['b', 16],
      ['c', 0],
    ]);
    const even = createLeader();
    expect(writes(even.watch([a, b], BUSY, 120))).toBe(1);
    expect(even.look([a, b], BUSY).reason).toContain('within 5%');
  });

  it('learn who can do more from what each does and how busy that keeps it', () => {
    const leader = createLeader();
    leader.watch(
      [a, b],
      { a: { cpu: 0.8, connections: 2, rate: 10 }, b: { cpu: 0.4, connections: 1, rate: 10 } },
      120,
    );
    expect(share(leader.written(), 'b')).toBeGreaterThan(0.58);
  });

  it('fill those up that have fewer long connections', () => {
    const long = {
      a: { cpu: 0.5, connections: 100, rate: 0.5 },
      b: { cpu: 0.05, connections: 10, rate: 0.5 },
    };
    const leader = createLeader();
    leader.watch([a, b], long, 20);
    expect(share(leader.written(), 'b')).toBeGreaterThan(0.9);
    expect(share(leader.written(), 'a')).toBeGreaterThan(0);
  });

  it('go by connections where nobody sees processors, and gently where nobody counts either', () => {
    const unseen = createLeader();
    unseen.watch([a, b], { a: { connections: 30, rate: 1 }, b: { connections: 10, rate: 1 } }, 20);
    expect(share(unseen.written(), 'b')).toBeGreaterThan(0.8);
    const uncounted = createLeader();
    uncounted.watch([a, b], { a: { connections: 30 }, b: { connections: 10 } }, 20);
    expect(share(uncounted.written(), 'b')).toBeCloseTo(0.5625, 2);
  });

  it('spare a new instance for ten seconds', () => {
    const leader = createLeader();
    leader.watch([a, b], BUSY, 60);
    const come = leader.look([a, b, c], BUSY, 100);
    expect(come).toMatchObject({ write: true, reason: 'get connections now: c' });
    expect(share(come.weights, 'c')).toBeLessThan(0.05);
    leader.watch([a, b, c], { ...BUSY, c: { cpu: 0.06, connections: 0, rate: 1 } }, 20);
    expect(share(leader.written(), 'c')).toBeGreaterThan(0.25);
  });

  it('do not spare it while all others can do no more', () => {
    const full = { a: { cpu: 1, connections: 60, rate: 20 }, b: { cpu: 1, connections: 60, rate: 20 } };
    const leader = createLeader();
    leader.watch([a, b], BUSY, 60);
    leader.watch([a, b], full, 60);
    expect(share(leader.look([a, b, c], full, 100).weights, 'c')).toBeGreaterThan(0.9);
  });

  it('keep IP families apart: an entry forwards to its own only', () => {
    const six = instance('c', { ip: 'fd00::1' });
    const weights = createLeader().look([a, b, six], {}).weights;
    expect([...weights]).toEqual([
      ['a', 32],
      ['b', 32],
      ['c', 64],
    ]);
  });
});

describe('adaptive weights, when samples fail', () => {
  const uneven: Seen = {
    a: { cpu: 0.8, connections: 20, rate: 10 },
    b: { cpu: 0.4, connections: 5, rate: 10 },
  };

  it('stay when there are none at all, for as long as that lasts', () => {
    const leader = createLeader();
    leader.watch([a, b], uneven, 60);
    const before = leader.written();
    expect(writes(leader.watch([a, b], {}, 28))).toBe(0);
    expect(leader.look([a, b], {})).toMatchObject({ reason: 'no samples: weights stay', weights: before });
    expect(writes(leader.watch([a, b], {}, 600))).toBe(0);
  });

  it('leave an instance without samples the share it had, then give it its fair one', () => {
    const leader = createLeader();
    leader.watch([a, b, c], { ...BUSY, c: { cpu: 0.6, connections: 3, rate: 10 } }, 60);
    const had = share(leader.written(), 'c');
    leader.watch([a, b, c], BUSY, 20);
    expect(Math.abs(share(leader.written(), 'c') - had)).toBeLessThan(0.05);
    leader.watch([a, b, c], BUSY, 60);
    expect(share(leader.written(), 'c')).toBeCloseTo(1 / 3, 1);
  });

  it('do not fall for counters that begin anew when rules are written', () => {
    const leader = createLeader();
    leader.watch([a, b], BUSY, 60);
    const reset = { a: { cpu: 0.6, connections: 3 }, b: { cpu: 0.6, connections: 3, rate: 10 } };
    expect(writes(leader.watch([a, b], reset, 6))).toBe(0);
    expect(leader.state()?.tracks['a']?.rate).toBeCloseTo(10);
  });

  it('do not swing where nobody counts short connections: each sample shows what the weights of before made', () => {
    const leader = createLeader();
    let far = 0.4;
    const found: number[] = [];
    for (let round = 0; round < 30; round += 1) {
      const connections = { a: 100 * (0.5 + far), b: 100 * (0.5 - far) };
      leader.look([a, b], { a: { connections: connections.a }, b: { connections: connections.b } });
      far = share(leader.written(), 'a') - 0.5;
      found.push(Math.abs(far));
    }
    expect(Math.max(...found.slice(10))).toBeLessThan(0.05);
  });

  it('stay when the clock jumps an hour, either way, and go on after that', () => {
    for (const jump of [HOUR_MS, -HOUR_MS]) {
      const leader = createLeader(ADAPTIVE, 2 * HOUR_MS);
      leader.watch([a, b], BUSY, 60);
      expect(leader.look([a, b], uneven, jump)).toMatchObject({
        write: false,
        reason: 'just begun to watch: weights stay',
      });
      expect(leader.look([a, b], uneven).write).toBe(false);
      expect(writes(leader.watch([a, b], uneven, 60))).toBeGreaterThan(0);
    }
  });

  it('are taken over by a new leader, which moves nothing for five seconds', () => {
    const old = createLeader();
    old.watch([a, b], uneven, 60);
    for (const next of [old.successor(undefined), old.successor(throughJson(old.state()))]) {
      expect([next.look([a, b], BUSY), next.look([a, b], BUSY)].map(({ write }) => write)).toEqual([
        false,
        false,
      ]);
    }
    const knowing = old.successor(throughJson(old.state()));
    knowing.look([a, b], uneven);
    expect(knowing.state()?.tracks['b']?.factor).toBe(old.state()?.tracks['b']?.factor);
  });

  it('go on alike from a state that went through JSON', () => {
    const leader = createLeader();
    leader.watch([a, b], uneven, 30);
    const copy = createLeader(ADAPTIVE, 1_030_000);
    copy.take(throughJson(leader.state()), leader.written());
    expect(copy.look([a, b], uneven)).toEqual(leader.look([a, b], uneven));
  });
});

/** A number that may be missing. */
const value = (most: number) => fc.option(fc.double({ min: 0, max: most, noNaN: true }), { nil: undefined });

describe('adaptive weights, whatever samples say', () => {
  const signal = fc.record({
    cpu: value(1),
    connections: value(LOAD_LIMITS.connections),
    rate: value(LOAD_LIMITS.newConnectionsPerSecond),
    counters: fc.nat(3),
  });
  const look = fc.record({
    seen: fc.dictionary(fc.constantFrom('a', 'b', 'c'), signal),
    stepMs: fc.oneof(fc.constant(2_000), fc.integer({ min: -HOUR_MS, max: HOUR_MS })),
    present: fc.subarray([a, b, c], { minLength: 1 }),
  });

  it('are integers of 1 or more for every instance that is there, and never anything else', () => {
    fc.assert(
      fc.property(fc.array(look, { minLength: 1, maxLength: 15 }), (looks) => {
        const leader = createLeader();
        for (const { seen, stepMs, present } of looks) {
          const { weights } = leader.look(present, seen, stepMs);
          expect([...weights.keys()]).toEqual(present.map(({ id }) => id).toSorted());
          expect([...weights.values()].filter((weight) => !Number.isInteger(weight) || weight < 1)).toEqual(
            [],
          );
          expect(JSON.stringify(leader.state())).not.toMatch(/null/);
        }
      }),
      { seed: 1, numRuns: 100 },
    );
  });
});
