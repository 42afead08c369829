/** Owns running ways to spread connections through a scenario, seed by seed, and what comes out of it. */
import type { Weighting } from '../../src/balance/weigh.ts';
import { DEFAULT_SLOW_START_MS } from '../../src/balance/weigh.ts';
import { mean, meanImbalance, median, percentile, settledAfter } from './measure.ts';
import { localLeastConnections, powerOfTwo, shortestQueue } from './rivals.ts';
import type { Scenario } from './scenario.ts';
import { sluice, type SluiceSetup } from './sluice.ts';
import { type Fleet, simulate, type Spreader } from './world.ts';

/** Makes a way to spread connections for one course. */
export type Spread = (fleet: Fleet) => Spreader;

/** Adaptive weights as they come. */
const ADAPTIVE: Weighting = { kind: 'adaptive', slowStartMs: DEFAULT_SLOW_START_MS };

/** Sluice with adaptive weights, set up otherwise in some way. */
export const adaptive = (setup: Partial<SluiceSetup> = {}): Spread =>
  sluice({ weighting: ADAPTIVE, layout: 'nftables', ...setup });

/** All ways by name. */
export const SPREADS = {
  equal: sluice({ weighting: { kind: 'equal' }, layout: 'nftables' }),
  static: sluice({ weighting: { kind: 'static' }, layout: 'nftables', knowsSpeeds: true }),
  adaptive: adaptive(),
  'adaptive, iptables': adaptive({ layout: 'iptables' }),
  'local least connections': localLeastConnections,
  'P2C global': powerOfTwo,
  JSQ: shortestQueue,
} as const satisfies Readonly<Record<string, Spread>>;

/** The mean over seeds; of times to settle the median. */
export interface Outcome {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly imbalance: number;
  /** From the middle of things, where the window begins, to connections ÷ speed within 15 % of the mean. */
  readonly settledAfterSeconds: number;
  readonly rewritesPerMinute: number;
}

/** Even enough: largest connections ÷ speed over the mean. */
const EVEN = 1.15;

/** Runs one way through one scenario, with the seeds from 1. */
export function outcomeOf(scenario: Scenario, spread: Spread, seeds: number): Outcome {
  const { window, endsAt } = scenario;
  const courses = Array.from({ length: seeds }, (_, seed) => {
    const course = simulate(scenario, spread, seed + 1);
    return {
      p50: percentile(course, window, 0.5),
      p99: percentile(course, window, 0.99),
      imbalance: meanImbalance(course, window),
      settled: settledAfter(course, window[0], EVEN),
      rewrites: course.rewrites,
    };
  });
  return {
    p50Ms: mean(courses.map(({ p50 }) => p50)) * 1_000,
    p99Ms: mean(courses.map(({ p99 }) => p99)) * 1_000,
    imbalance: mean(courses.map(({ imbalance }) => imbalance)),
    settledAfterSeconds: median(courses.map(({ settled }) => settled)),
    rewritesPerMinute: (mean(courses.map(({ rewrites }) => rewrites)) / endsAt) * 60,
  };
}
