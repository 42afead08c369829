/** Owns waking a loop: rung by anybody, heard at the next wait, however often it was rung. */
import type { Clock } from './clock.ts';

/** A bell for one loop. */
export interface Bell {
  readonly ring: () => void;
  /** Resolves when it is rung, or was since the last wait; at the latest after `ms`, or when the signal aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** A silent bell. */
export function createBell(clock: Clock): Bell {
  let rung = new AbortController();
  return {
    ring: () => rung.abort(),
    wait: async (ms, signal) => {
      await clock.sleep(ms, AbortSignal.any([rung.signal, signal]));
      rung = new AbortController();
    },
  };
}
