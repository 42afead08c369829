/** Owns taking turns: long work of one process goes on in slices, one at a time, and between any two of them whatever came is answered. */
import type { Pace } from '../model/pace.ts';
import type { Clock } from './clock.ts';

/** Longest slice: a tenth of what a person notices, and ten times what a turn of the loop costs. */
const SLICE_MS = 8;

/**
 * One pace for everything long that a process does. However many work at once, each turn of the event loop has one slice of one of them.
 * @param sliceMs how long a slice lasts
 */
export function createPace(clock: Pick<Clock, 'monotonicMs'>, sliceMs: number = SLICE_MS): Pace {
  const waiting: (() => void)[] = [];
  let sinceMs = -Infinity;
  const next = (): void => {
    const resume = waiting.shift();
    sinceMs = clock.monotonicMs();
    resume?.();
    if (waiting.length > 0) setImmediate(next);
  };
  return () => {
    if (clock.monotonicMs() - sinceMs < sliceMs) return undefined;
    return new Promise((resolve) => {
      waiting.push(resolve);
      if (waiting.length === 1) setImmediate(next);
    });
  };
}
