/** Owns a clock for tests of what must not wait, and of what must: it stands until it is told to go on. */
import { type Clock, systemClock } from '../../src/host/clock.ts';

/** A clock that stands; `pass` lets time go on, and ends every sleep. */
export function standingClock(): { readonly clock: Clock; readonly pass: (ms: number) => void } {
  let nowMs = 1_000;
  let sleepers: readonly (() => void)[] = [];
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => nowMs,
    sleep: async (_, signal) => {
      await new Promise<void>((resolve) => {
        sleepers = [...sleepers, resolve];
        if (signal?.aborted === true) resolve();
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    },
  };
  return {
    clock,
    pass: (ms: number): void => {
      nowMs += ms;
      for (const wake of sleepers) wake();
      sleepers = [];
    },
  };
}
