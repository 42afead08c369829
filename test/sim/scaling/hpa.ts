/**
 * Owns the algorithm of the Kubernetes HorizontalPodAutoscaler with its defaults, for comparison: replica calculator and behaviour of
 * autoscaling/v2 as documented (tolerance 10 %, unready pods, stabilisation 300 s down, growth of 100 % or 4 in 15 s).
 */
import type { Algorithm, Observation, SimInstance } from './world.ts';

const SYNC_SECONDS = 15;
const TARGET = 0.7;
const TOLERANCE = 0.1;
const DOWN_WINDOW_SECONDS = 300;
const UP_PERIOD_SECONDS = 15;

interface Timed {
  readonly at: number;
  readonly count: number;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** What the replica calculator makes of one metric: mean of ready pods, pods that start count as idle when it is above the target. */
function desiredReplicas(
  cpuOf: ReadonlyMap<SimInstance, number>,
  ready: readonly SimInstance[],
  now: Observation,
): number {
  const current = now.instances.length;
  const used = sum(ready.map((instance) => cpuOf.get(instance) ?? 0));
  if (ready.length === 0) return current;
  const ratio = used / ready.length / TARGET;
  const unready = current - ready.length;
  if (unready === 0 || ratio <= 1)
    return Math.abs(1 - ratio) <= TOLERANCE ? current : Math.ceil(ratio * ready.length);
  const lower = used / current / TARGET;
  return Math.abs(1 - lower) <= TOLERANCE || lower < 1
    ? current
    : Math.max(current, Math.ceil(lower * current));
}

/** A HorizontalPodAutoscaler on cpu at 70 %. */
export function hpa(): Algorithm {
  let samples: readonly { readonly at: number; readonly byReadyAt: readonly SimInstance[] }[] = [];
  let recommended: readonly Timed[] = [];
  let grown: readonly Timed[] = [];
  return (now) => {
    const { second, instances } = now;
    samples = [
      ...samples.filter(({ at }) => at > second - SYNC_SECONDS),
      { at: second, byReadyAt: instances },
    ];
    if (second % SYNC_SECONDS !== 0) return undefined;
    const current = instances.length;
    // A pod counts once its whole sample is from after it became ready.
    const ready = instances.filter(({ readyAt }) => second - readyAt >= SYNC_SECONDS);
    const means = new Map(
      ready.map((instance) => {
        const place = instances.indexOf(instance);
        return [
          instance,
          sum(samples.map(({ byReadyAt }) => byReadyAt[place]?.cpu ?? 0)) / samples.length,
        ] as const;
      }),
    );
    const desired = desiredReplicas(means, ready, now);
    recommended = [
      ...recommended.filter(({ at }) => at > second - DOWN_WINDOW_SECONDS),
      { at: second, count: desired },
    ];
    if (desired <= current) return Math.min(current, Math.max(...recommended.map(({ count }) => count)));
    grown = grown.filter(({ at }) => at > second - UP_PERIOD_SECONDS);
    const start = current - sum(grown.map(({ count }) => count));
    const final = Math.min(desired, Math.max(start * 2, start + 4));
    grown = [...grown, { at: second, count: final - current }];
    return final;
  };
}
