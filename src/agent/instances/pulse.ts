/**
 * Owns the time of probes: all waits of a node end on the ticks of one timer. A hundred timers of their own would wake the agent for each
 * of them, and every wake costs more than what is done in it (an ask on its own costs three times what it costs among ten).
 */
import type { Clock } from '../../host/clock.ts';

const TICK_MS = 100;
/** How often a pause asks whether it is over early; and long pauses end on multiples of it, so that what follows them begins together. */
export const SLOT_MS = 500;

/** Time in ticks: everything is up to 100 ms late. */
export interface Pulse extends Clock {
  /** Calls back once. @returns takes that back */
  readonly after: (ms: number, wake: () => void) => () => void;
  /** Resolves at a monotonic time, at the abort, or soon after `isOver` has become true: it is asked on every slot. */
  readonly pause: (
    until: { readonly atMs: number; readonly isOver: () => boolean },
    signal: AbortSignal,
  ) => Promise<void>;
}

interface Waiting {
  readonly at: number;
  readonly isOver?: () => boolean;
  readonly wake: () => void;
}

/** A pulse over a clock. Nothing runs while nobody waits. */
export function createPulse(clock: Clock): Pulse {
  const waiting = new Set<Waiting>();
  let running: Promise<void> | undefined;

  const run = async (): Promise<void> => {
    let slot = Math.floor(clock.monotonicMs() / SLOT_MS);
    while (waiting.size > 0) {
      await clock.sleep(TICK_MS - (clock.monotonicMs() % TICK_MS));
      const now = clock.monotonicMs();
      const isNewSlot = slot !== Math.floor(now / SLOT_MS);
      slot = Math.floor(now / SLOT_MS);
      for (const one of waiting) {
        if (one.at > now && !(isNewSlot && one.isOver?.() === true)) continue;
        waiting.delete(one);
        one.wake();
      }
    }
    running = undefined;
  };
  const wait = (one: Waiting): (() => void) => {
    waiting.add(one);
    running ??= run();
    return () => void waiting.delete(one);
  };
  /** Waits with the signal listened to. */
  const until = (one: Omit<Waiting, 'wake'>, signal: AbortSignal | undefined): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const end = (): void => {
        cancel();
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const cancel = wait({ ...one, wake: end });
      signal?.addEventListener('abort', end);
    });

  return {
    now: clock.now,
    monotonicMs: clock.monotonicMs,
    sleep: async (ms, signal) => await until({ at: clock.monotonicMs() + ms }, signal),
    after: (ms, wake) => wait({ at: clock.monotonicMs() + ms, wake }),
    pause: async ({ atMs, isOver }, signal) => await until({ at: atMs, isOver }, signal),
  };
}
