/**
 * Owns the algorithm of the Knative pod autoscaler with its defaults, for comparison, on requests a second at 70 % of what an instance can do:
 * a stable window of 60 s, a panic window of 6 s from twice the load on, no fewer while in panic, at most half as many at once.
 */
import { type Algorithm, CAPACITY } from './world.ts';

const TICK_SECONDS = 2;
const STABLE_SECONDS = 60;
const PANIC_SECONDS = 6;
const PANIC_THRESHOLD = 2;
const MAX_DOWN = 2;
const TARGET = 0.7;

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** An autoscaler on requests a second. */
export function kpa(): Algorithm {
  let rates: readonly number[] = [];
  let panicSince: number | undefined;
  let highest = 0;
  return ({ second, instances, rate }) => {
    rates = [...rates, rate].slice(-STABLE_SECONDS);
    if (second % TICK_SECONDS !== 0) return undefined;
    const wanted = (seconds: number): number => Math.ceil(mean(rates.slice(-seconds)) / CAPACITY / TARGET);
    const ready = instances.filter(({ isReady }) => isReady).length;
    const [stable, panic] = [wanted(STABLE_SECONDS), wanted(PANIC_SECONDS)];
    if (panic >= PANIC_THRESHOLD * ready) {
      if (panicSince === undefined) highest = 0;
      panicSince = second;
    } else if (panicSince !== undefined && second - panicSince > STABLE_SECONDS) {
      panicSince = undefined;
    }
    if (panicSince === undefined) return Math.max(stable, Math.floor(ready / MAX_DOWN));
    highest = Math.max(highest, panic, instances.length);
    return highest;
  };
}
