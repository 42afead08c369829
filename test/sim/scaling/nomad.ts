/**
 * Owns the algorithm of the Nomad Autoscaler's target-value strategy with its defaults, for comparison: count × metric ÷ target, rounded up,
 * every 10 s, and one cooldown of 5 minutes for both directions.
 */
import type { Algorithm } from './world.ts';

const EVALUATE_SECONDS = 10;
const COOLDOWN_SECONDS = 300;
/** Window of the query that its documentation shows. */
const QUERY_SECONDS = 60;
const TARGET = 0.7;
const PRECISION = 0.01;

/** A target-value policy on cpu at 70 %. */
export function nomad(): Algorithm {
  let means: readonly number[] = [];
  let restsUntil = 0;
  return ({ second, instances }) => {
    const ready = instances.filter(({ isReady }) => isReady);
    const mean = ready.reduce((sum, { cpu }) => sum + cpu, 0) / Math.max(1, ready.length);
    means = [...means, mean].slice(-QUERY_SECONDS);
    if (second % EVALUATE_SECONDS !== 0 || second < restsUntil) return undefined;
    const factor = means.reduce((sum, value) => sum + value, 0) / means.length / TARGET;
    if (Math.abs(1 - factor) <= PRECISION) return undefined;
    const count = Math.ceil(instances.length * factor);
    if (count !== instances.length) restsUntil = second + COOLDOWN_SECONDS;
    return count;
  };
}
