/**
 * Owns noticing that a kept instance has ended: its main process is looked for in /proc, which needs no program and no keeper's words; only when
 * it is gone the keeper is asked how. A look costs 17 µs, so the pause grows with the instances: 0.7 % of a core at most.
 */
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { isAlive } from '../../host/proc-stat.ts';
import type { KeptRecord } from './keeper.ts';

/** What the watch needs. */
export interface KeptWatchOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Those that run. */
  readonly running: () => readonly KeptRecord[];
  /** Asks the keeper. */
  readonly look: (id: string) => Promise<unknown>;
}

const MIN_PAUSE_MS = 20;
const PER_INSTANCE_MS = 2.5;
const MAX_PAUSE_MS = 800;
/** Without instances; the first one's end is seen within it. */
const IDLE_PAUSE_MS = 100;

/** How long to wait after a round over so many. */
export const pauseAfter = (count: number): number =>
  count === 0 ? IDLE_PAUSE_MS : Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, count * PER_INSTANCE_MS));

/** Begins to look; `close` ends it. */
export function watchKept({ clock, log, running, look }: KeptWatchOptions): {
  readonly close: () => Promise<void>;
} {
  const closing = new AbortController();
  const asking = new Map<string, Promise<void>>();
  let hasFailed = false;
  const ask = async (id: string): Promise<void> => {
    try {
      await look(id);
      hasFailed = false;
    } catch (error) {
      if (!hasFailed)
        log.warn('how an instance ended cannot be asked, trying on', { instance: id, why: String(error) });
      hasFailed = true;
      await clock.sleep(MAX_PAUSE_MS, closing.signal);
    } finally {
      asking.delete(id);
    }
  };
  const loop = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      const records = running();
      for (const { id, main } of records) {
        if (main === undefined || asking.has(id) || isAlive(main.pid, main.startTicks)) continue;
        asking.set(id, ask(id));
      }
      await clock.sleep(pauseAfter(records.length), closing.signal);
    }
  };
  const looping = loop();
  return {
    close: async () => {
      closing.abort();
      await looping;
      await Promise.all(asking.values());
    },
  };
}
