/** Owns what a monitor tells of itself to whoever watches its figures, and those figures. Nobody may watch: then nothing is counted. */
import type { Decision } from '../model/decision.ts';
import type { MetricSet } from '../observe/metric-set.ts';

/** One round of the loop. */
export interface Round {
  readonly leads: boolean;
  readonly connected: boolean;
  readonly revision: number;
  /** What was decided; empty also where another leads. */
  readonly decisions: readonly Decision[];
  readonly seconds: number;
}

/** Who watches. Must not throw. */
export interface MonitorMeter {
  readonly looked: (round: Round) => void;
}

const ROUND_BUCKETS = [0.001, 0.005, 0.02, 0.1, 0.5, 2];

/** The figures of a monitor. */
export function createMonitorMeter(set: MetricSet): MonitorMeter {
  let last: Round | undefined;
  const gauges: readonly (readonly [string, string, () => number])[] = [
    ['sluice_monitor_leads', '1 if this monitor leads', () => (last?.leads === true ? 1 : 0)],
    [
      'sluice_monitor_store_connected',
      '1 while the store is followed',
      () => (last?.connected === true ? 1 : 0),
    ],
    ['sluice_monitor_revision', 'Store revision that it has seen', () => last?.revision ?? 0],
  ];
  for (const [name, help, read] of gauges) set.gauge({ name, help }, read);
  const decided = set.counter({
    name: 'sluice_monitor_decisions_total',
    help: 'Decisions, by whether something was done',
    labels: ['done'],
  });
  const took = set.histogram({
    name: 'sluice_monitor_round_seconds',
    help: 'Time to look, decide and write',
    buckets: ROUND_BUCKETS,
  });
  return {
    looked: (round) => {
      last = round;
      took(round.seconds);
      for (const { done } of round.decisions) decided({ done: String(done) });
    },
  };
}
