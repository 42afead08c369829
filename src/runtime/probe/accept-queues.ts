/**
 * Owns telling whether programs take connections from the queues of their listeners, as the kernel shows them. One look for all that wait,
 * and none while nobody does: a look costs about 3 ms, as the kernel goes through its table of all connections.
 */
import type { Clock } from '../../host/clock.ts';
import { readKernelFile } from '../../host/machine.ts';

/** Queues of the node's listeners, by port. */
export interface AcceptQueues {
  /**
   * Calls back once when a look finds the port's queues empty, or shorter than the look before. A port without a listener that can be seen
   * (of a container with a network of its own) counts as empty.
   * @returns ends it
   */
  readonly watch: (port: number, onTaken: () => void) => () => void;
}

interface Watched {
  readonly port: number;
  readonly onTaken: () => void;
  before: number | undefined;
}

/** Between two looks, and before the first: most programs have ended the connection by then. */
const LOOK_MS = 250;
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];
const LISTENING = '0A';

/**
 * Connections that wait at listeners, by port. Of a listener the receive queue is the number of connections that nobody has taken yet.
 * @param text of /proc/net/tcp: listeners come first
 */
export function waitingByPort(text: string, found = new Map<number, number>()): Map<number, number> {
  for (const line of text.split('\n').slice(1)) {
    const [, local = '', , state, queues = ''] = line.trim().split(/\s+/, 5);
    if (state !== LISTENING) break;
    const port = Number.parseInt(local.slice(-4), 16);
    const waiting = Number.parseInt(queues.slice(queues.indexOf(':') + 1), 16);
    found.set(port, (found.get(port) ?? 0) + waiting);
  }
  return found;
}

const lookAtKernel = (): ReadonlyMap<number, number> =>
  TABLES.reduce((found, file) => waitingByPort(readKernelFile(file) ?? '', found), new Map<number, number>());

/**
 * Opens the node's queues.
 * @param look default: this network namespace's
 */
export function openAcceptQueues(
  clock: Pick<Clock, 'sleep'>,
  look: () => ReadonlyMap<number, number> = lookAtKernel,
): AcceptQueues {
  const all = new Set<Watched>();
  let running: Promise<void> | undefined;
  const lookOnce = (): void => {
    const waiting = look();
    for (const one of all) {
      const now = waiting.get(one.port) ?? 0;
      const isTaken = now === 0 || (one.before !== undefined && now < one.before);
      one.before = now;
      if (!isTaken) continue;
      all.delete(one);
      one.onTaken();
    }
  };
  const run = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(LOOK_MS);
      if (all.size === 0) break;
      lookOnce();
    }
    running = undefined;
  };
  return {
    watch: (port, onTaken) => {
      const one: Watched = { port, onTaken, before: undefined };
      all.add(one);
      running ??= run();
      return () => {
        all.delete(one);
      };
    },
  };
}
