/** Owns a clock for tests that moves only when told. Sleepers wake in order of time; between two everything that can run runs. */
import type { Clock } from '../../src/host/clock.ts';

/** A clock and the hand that moves it. */
export interface VirtualClock extends Clock {
  /** Moves time on by `ms`, waking sleepers at their time. */
  readonly advance: (ms: number) => Promise<void>;
}

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

const START = Date.parse('2026-01-01T00:00:00Z');

/** Lets everything run that waits for no time: microtasks, and what they start. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A clock at 0 ms, 2026-01-01. */
export function createVirtualClock(): VirtualClock {
  const sleepers = new Set<Sleeper>();
  let nowMs = 0;
  return {
    now: () => new Date(START + nowMs),
    monotonicMs: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true) return resolve();
        const wake = (): void => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const sleeper: Sleeper = { atMs: nowMs + Math.max(0, ms), wake };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', wake);
        return undefined;
      }),
    advance: async (ms) => {
      const untilMs = nowMs + ms;
      for (;;) {
        await settle();
        const next = [...sleepers].toSorted((a, b) => a.atMs - b.atMs)[0];
        if (next === undefined || next.atMs > untilMs) break;
        nowMs = Math.max(nowMs, next.atMs);
        next.wake();
      }
      nowMs = untilMs;
      await settle();
    },
  };
}
