/**
 * Tests that adaptive weights do what they are for, in short simulations with fixed seeds, and that the simulation itself is right. Without
 * what the controller learns from (processors) or fills by (connections) the same bounds are missed: so they would be by a broken one.
 */
import { describe, expect, it } from 'vitest';
import type { NodeLoad } from '../../src/model/load.ts';
import { adaptive, outcomeOf, SPREADS } from './compare.ts';
import { createKernelChoice, type Layout } from './kernel-choice.ts';
import { mean } from './measure.ts';
import { exponential, seededRandom } from './random.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';
import { simulate } from './world.ts';

const SEEDS = 2;

/** A scenario of the nine, cut short. */
function cut(name: string, parts: Partial<Scenario>): Scenario {
  const scenario = SCENARIOS.find((one) => one.name === name);
  if (scenario === undefined) throw new Error(`no scenario ${name}`);
  return { ...scenario, ...parts };
}

/** Samples in which one field of all instances is lost or the same. */
const without =
  (change: { readonly cpu?: undefined; readonly connections?: number }) =>
  (load: NodeLoad): NodeLoad => ({
    ...load,
    instances: Object.fromEntries(
      Object.entries(load.instances).map(([key, own]) => [key, { ...own, ...change }]),
    ),
  });

describe('the simulation', () => {
  it('shares a processor as theory says: mean time in M/M/1-PS is s ÷ (1 - load)', () => {
    const scenario: Scenario = {
      name: 'theory',
      title: '',
      servers: [{ speed: 1 }],
      rate: () => 0.6 / 0.05,
      size: exponential(0.05),
      longPart: 0,
      endsAt: 4_000,
      window: [0, 4_000],
    };
    const { latencies } = simulate(scenario, SPREADS.JSQ, 1);
    expect(mean(latencies) / (0.05 / 0.4)).toBeGreaterThan(0.9);
    expect(mean(latencies) / (0.05 / 0.4)).toBeLessThan(1.1);
  });

  it('runs the same course with the same seed', () => {
    const scenario = cut('S1', { endsAt: 30 });
    const [first, again, other] = [1, 1, 2].map((seed) => simulate(scenario, SPREADS.adaptive, seed));
    expect(again).toEqual(first);
    expect(other?.latencies).not.toEqual(first?.latencies);
  });

  it.each<Layout>(['nftables', 'iptables'])('chooses by the rules of %s', (layout) => {
    const kernel = createKernelChoice(layout, 'n1', seededRandom(1));
    const weights = [1, 2, 7, ...Array.from({ length: 17 }, () => 1)];
    kernel.write(weights.map((weight, index) => ({ ip: `10.0.1.${index + 1}`, port: 80, weight })));
    const counts = new Map<string, number>();
    for (let n = 0; n < 27_000; n += 1) {
      const address = kernel.choose();
      counts.set(address, (counts.get(address) ?? 0) + 1);
    }
    const off = weights.map((weight, index) =>
      Math.abs((counts.get(`10.0.1.${index + 1}:80`) ?? 0) / (weight * 1_000) - 1),
    );
    expect(Math.max(...off)).toBeLessThan(layout === 'nftables' ? 0.01 : 0.15);
  });
});

describe('adaptive weights, simulated', () => {
  it('learn uneven instances that nobody described, where equal weights drown one', () => {
    const scenario = cut('S1', { endsAt: 260, window: [100, 260] });
    const best = outcomeOf(scenario, SPREADS.JSQ, SEEDS).p99Ms;
    const ours = outcomeOf(scenario, SPREADS.adaptive, SEEDS);
    const blind = outcomeOf(scenario, adaptive({ distort: without({ cpu: undefined }) }), SEEDS).p99Ms;
    expect(ours.p99Ms / best).toBeLessThan(2.6);
    expect(ours.rewritesPerMinute).toBeLessThan(30);
    expect(blind / best).toBeGreaterThan(2.6);
    expect(outcomeOf(scenario, SPREADS.equal, SEEDS).p99Ms / best).toBeGreaterThan(20);
  });

  it('even long connections out nearly as fast as can be, without closing any', () => {
    // Fewer and larger requests than in S3: what is looked at is where connections are.
    const scenario = cut('S3', {
      size: exponential(0.0292),
      pauseSeconds: 4,
      endsAt: 600,
      window: [420, 600],
    });
    const best = outcomeOf(scenario, SPREADS.JSQ, SEEDS).imbalance;
    const blind = adaptive({ distort: without({ connections: 0 }) });
    expect(outcomeOf(scenario, SPREADS.adaptive, SEEDS).imbalance / best).toBeLessThan(1.25);
    expect(outcomeOf(scenario, blind, SEEDS).imbalance / best).toBeGreaterThan(1.25);
  });

  it('spare an instance with cold caches', () => {
    const scenario = cut('S1', {
      incidents: [{ at: 100, kind: 'join', server: { speed: 1, coldRequests: 300 } }],
      endsAt: 160,
      window: [100, 130],
    });
    const spared = outcomeOf(scenario, SPREADS.adaptive, SEEDS).p99Ms;
    const thrownIn = adaptive({ weighting: { kind: 'adaptive', slowStartMs: 0 } });
    expect(spared).toBeLessThan(0.8 * outcomeOf(scenario, thrownIn, SEEDS).p99Ms);
  });

  it('do not swing when samples come late', () => {
    const scenario = cut('S1', { endsAt: 260, window: [100, 260] });
    const late = outcomeOf(scenario, adaptive({ delaySeconds: 4 }), SEEDS).p99Ms;
    expect(late / outcomeOf(scenario, SPREADS.JSQ, SEEDS).p99Ms).toBeLessThan(5);
  });
});
