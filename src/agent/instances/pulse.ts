/**
 * Owns the time of probes: all waits of a node end on the ticks of one timer. A hundred timers of their own would wake the agent for each
 * of them, and every wake costs more than what is done in it (an ask on its own costs three times what it costs among ten).
 */
import type { Clock } from '../../host/clock.ts';

const TICK_MS = 100;

interface Waiting {
  readonly at: number;
  readonly wake: () => void;
}

/** A clock whose `sleep` ends on a tick: up to 100 ms late. Nothing runs while nobody sleeps. */
export function createPulse(clock: Clock): Clock {
  const waiting = new Set<Waiting>();
  let running: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    while (waiting.size > 0) {
      await clock.sleep(TICK_MS - (clock.monotonicMs() % TICK_MS));
      const now = clock.monotonicMs();
      for (const one of waiting) if (one.at <= now) one.wake();
    }
    running = undefined;
  };

  return {
    now: clock.now,
    monotonicMs: clock.monotonicMs,
    sleep: (ms, signal) => {
      if (signal?.aborted === true) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = (): void => {
          waiting.delete(one);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const one: Waiting = { at: clock.monotonicMs() + ms, wake };
        waiting.add(one);
        signal?.addEventListener('abort', wake);
        running ??= run();
      });
    },
  };
}
