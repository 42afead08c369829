/** Owns looking for connections of all instances that drain, together: one look for all of them, while there are any. */
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import type { Address } from '../../model/address.ts';
import type { Edges } from './edges.ts';

/** Pause between two looks. */
const LOOK_MS = 200;

interface Watched {
  readonly address: Address;
  readonly onCount: (open: number) => void;
}

/** Counts an address's connections again and again until the signal aborts. */
export type ConnectionWatch = (watched: Watched, signal: AbortSignal) => void;

/** A watch over nothing yet. A look that fails is logged once, and tried again: nothing is ended because nobody could look. */
export function createConnectionWatch(
  countConnections: Edges['countConnections'],
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): ConnectionWatch {
  const watching = new Set<Watched>();
  let running: Promise<void> | undefined;
  let lastWhy = '';

  const look = async (): Promise<void> => {
    const all = [...watching];
    try {
      const counts = await countConnections(all.map(({ address }) => address));
      lastWhy = '';
      for (const [index, watched] of all.entries()) {
        const open = counts[index];
        if (open !== undefined && watching.has(watched)) watched.onCount(open);
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      if (why !== lastWhy)
        log.error('connections cannot be counted; draining waits for its deadline', { why });
      lastWhy = why;
    }
  };

  const run = async (): Promise<void> => {
    while (watching.size > 0) {
      await look();
      await clock.sleep(LOOK_MS);
    }
    running = undefined;
  };

  return (watched, signal) => {
    if (signal.aborted) return;
    watching.add(watched);
    signal.addEventListener('abort', () => watching.delete(watched), { once: true });
    running ??= run();
  };
}
