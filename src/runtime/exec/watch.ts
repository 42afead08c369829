/** Owns noticing that an instance of driver exec has ended: by asking, as nothing tells. Many are asked more slowly, as each answer costs a program. */
import type { Clock } from '../../host/clock.ts';
import type { ExitStatus } from '../driver.ts';

/** What the watch needs. */
export interface WatchOptions {
  readonly clock: Clock;
  /** Those that run. */
  readonly ids: () => readonly string[];
  /** Asks one; calls `ended` if it has. */
  readonly look: (id: string) => Promise<void>;
}

type Listener = (exit: ExitStatus) => void;

/** Listeners by instance. */
export interface Watch {
  /** Calls back once; soon, if it has `ended` already. */
  readonly onExit: (
    id: string,
    asked: { readonly listener: Listener; readonly ended: ExitStatus | undefined },
  ) => () => void;
  readonly ended: (id: string, exit: ExitStatus) => void;
  readonly close: () => Promise<void>;
}

const MIN_ROUND_MS = 1_000;
/** Of one core, 5 ms in every 100 ms at the most. */
const PER_INSTANCE_MS = 100;

/** Begins to ask. */
export function createWatch({ clock, ids, look }: WatchOptions): Watch {
  const listeners = new Map<string, Set<Listener>>();
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
    onExit: (id, { listener, ended }) => {
      if (ended !== undefined) {
        queueMicrotask(() => listener(ended));
        return () => undefined;
      }
      const mine = listeners.get(id) ?? new Set();
      listeners.set(id, mine.add(listener));
      return () => mine.delete(listener);
    },
    ended: (id, exit) => {
      const waiting = listeners.get(id) ?? [];
      listeners.delete(id);
      for (const listener of waiting) listener(exit);
    },
    close: async () => {
      closing.abort();
      await looping;
    },
  };
}
