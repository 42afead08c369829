/** Owns noticing that an instance of driver exec has ended: by asking, as nothing tells. Many are asked more slowly, as each answer costs a program. */
import type { Clock } from '../../host/clock.ts';
import { createExitListeners, type ExitListeners } from '../exit-listeners.ts';

/** What the watch needs. */
export interface WatchOptions {
  readonly clock: Clock;
  /** Those that run. */
  readonly ids: () => readonly string[];
  /** Asks one; calls `tell` if it has ended. */
  readonly look: (id: string) => Promise<void>;
}

/** Listeners by instance, told by asking. */
export interface Watch extends ExitListeners {
  readonly close: () => Promise<void>;
}

const MIN_ROUND_MS = 1_000;
/** Of one core, 5 ms in every 100 ms at the most. */
const PER_INSTANCE_MS = 100;

/** Begins to ask. */
export function createWatch({ clock, ids, look }: WatchOptions): Watch {
  const closing = new AbortController();
  const loop = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      const round = ids();
      const pauseMs = Math.max(MIN_ROUND_MS / Math.max(1, round.length), PER_INSTANCE_MS);
      for (const id of round) {
        if (closing.signal.aborted) return;
        // One that was removed meanwhile.
        await look(id).catch(() => undefined);
        await clock.sleep(pauseMs, closing.signal);
      }
      if (round.length === 0) await clock.sleep(MIN_ROUND_MS, closing.signal);
    }
  };
  const looping = loop();
  return {
    ...createExitListeners(),
    close: async () => {
      closing.abort();
      await looping;
    },
  };
}
