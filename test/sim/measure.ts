/** Owns figures of a course: percentiles of latency, time to settle. Pure. */
import type { Span } from './scenario.ts';
import type { Course } from './world.ts';

/** Latency in seconds that this part (0 to 1) of the requests that arrived in the span did not exceed. */
export function percentile({ arrivals, latencies }: Course, [from, to]: Span, part: number): number {
  const inSpan = latencies.filter((_, index) => {
    const at = arrivals[index] ?? 0;
    return at >= from && at < to;
  });
  const sorted = Float64Array.from(inSpan).toSorted();
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? Number.NaN;
}

/** Mean of `imbalance` in a span. */
export function meanImbalance({ balance }: Course, [from, to]: Span): number {
  const inSpan = balance.filter(({ at }) => at >= from && at < to);
  return inSpan.reduce((sum, { imbalance }) => sum + imbalance, 0) / inSpan.length;
}

const HOLD = 20;

/** Seconds from a time until `imbalance` is at most `most` on the mean of 20 s; infinity if that never happens. */
export function settledAfter({ balance }: Course, from: number, most: number): number {
  const after = balance.filter(({ at }) => at >= from);
  const first = after.findIndex((_, index) => {
    const held = after.slice(index, index + HOLD);
    return held.reduce((sum, { imbalance }) => sum + imbalance, 0) / held.length <= most;
  });
  return (after[first]?.at ?? Number.POSITIVE_INFINITY) - from;
}

/** Geometric mean of values > 0. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** Arithmetic mean. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The middle one; of an even number the upper. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
