/** Owns waiting until the copy has reached a revision. */
import type { Clock } from '../../host/clock.ts';

/** Who waits for which revision. */
export interface Waiters {
  /** Resolves true when `tell` was told this revision or a later one, false after `timeoutMs`. */
  readonly wait: (revision: number, timeoutMs: number) => Promise<boolean>;
  readonly tell: (revision: number) => void;
}

/** Nobody waits. @param closing ends all waiting */
export function createWaiters(clock: Clock, closing: AbortSignal): Waiters {
  const waiting = new Set<{ readonly revision: number; readonly reached: AbortController }>();
  return {
    wait: async (revision, timeoutMs) => {
      const waiter = { revision, reached: new AbortController() };
      const { signal } = waiter.reached;
      waiting.add(waiter);
      await clock.sleep(timeoutMs, AbortSignal.any([signal, closing]));
      waiting.delete(waiter);
      return signal.aborted;
    },
    tell: (revision) => {
      for (const waiter of waiting) if (waiter.revision <= revision) waiter.reached.abort();
    },
  };
}
