/** Owns a clock for tests of what waits: no time passes but where everybody waits for it. */
import type { Clock } from '../../../src/host/clock.ts';
import type { Pulse } from '../../../src/agent/instances/pulse.ts';

/** A clock from 0 on. */
export interface VirtualClock extends Clock, Pick<Pulse, 'after'> {
  /** Lets time pass until this is done, or until nobody waits for any. */
  readonly run: <T>(act: Promise<T>) => Promise<T>;
}

const MOST_TURNS = 1_000;

/** Time that passes only when everybody waits. */
export function virtualClock(): VirtualClock {
  let now = 0;
  let sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  const clock: Clock = {
    now: () => new Date(now),
    monotonicMs: () => now,
    sleep: async (ms, signal) => {
      if (signal?.aborted === true) return;
      await new Promise<void>((wake) => {
        sleepers.push({ at: now + ms, wake });
        signal?.addEventListener('abort', () => wake());
      });
    },
  };
  return {
    ...clock,
    after: (ms, then) => {
      const sleeper = { at: now + ms, wake: then };
      sleepers.push(sleeper);
      return () => {
        sleepers = sleepers.filter((one) => one !== sleeper);
      };
    },
    run: async (act) => {
      let done = false;
      const watched = act.finally(() => {
        done = true;
      });
      for (let turn = 0; turn < MOST_TURNS; turn += 1) {
        for (let tick = 0; tick < 20; tick += 1) await Promise.resolve();
        if (done) break;
        const [next] = sleepers.toSorted((a, b) => a.at - b.at);
        if (next === undefined) break;
        sleepers = sleepers.filter((sleeper) => sleeper !== next);
        now = Math.max(now, next.at);
        next.wake();
      }
      return await watched;
    },
  };
}
