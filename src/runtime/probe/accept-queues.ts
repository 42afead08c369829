/**
 * Owns telling whether programs take connections from the queues of their listeners, as the kernel shows them. One look for all that wait,
 * and none while nobody does: on a node with few connections a look costs up to 2 ms, as the kernel searches its table for the next one.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import type { Clock } from '../../host/clock.ts';

/** Queues of the node's listeners, by port. */
export interface AcceptQueues {
  /**
   * Calls back once when a look finds the port's queues empty, or shorter than the look before. A port without a listener that can be seen
   * (of a container with a network of its own) counts as empty.
   * @returns ends it
   */
  readonly watch: (port: number, onTaken: () => void) => () => void;
}

/** Connections that nobody has taken yet, by port; ports without a listener may be missing. */
export type Look = (ports: ReadonlySet<number>) => ReadonlyMap<number, number>;

interface Watched {
  readonly port: number;
  readonly onTaken: () => void;
  before: number | undefined;
}

/** From a connection to the first look, and between looks while one is not taken. */
const LOOK_MS = 100;
/** Listeners of all other programs of a node included; far above what a node has. */
const MAX_BYTES = 1024 * 1024;
const LISTENING = '0A';
/** A page: what the kernel gives at most at a time. */
const chunk = Buffer.allocUnsafeSlow(4_096);

/**
 * Adds up the receive queues of listeners: of a listener that is the number of connections that wait to be taken.
 * @param lines of /proc/net/tcp, whole ones without the headings
 * @returns false if something else than a listener was found: listeners come first
 */
export function addListeners(lines: readonly string[], found: Map<number, number>): boolean {
  for (const line of lines) {
    const [, local = '', , state, queues = ''] = line.trim().split(/\s+/, 5);
    if (state !== LISTENING) return false;
    const port = Number.parseInt(local.slice(-4), 16);
    const waiting = Number.parseInt(queues.slice(queues.indexOf(':') + 1), 16);
    found.set(port, (found.get(port) ?? 0) + waiting);
  }
  return true;
}

/** Reads no further than to the first connection: there may be very many. */
function readListeners(file: string, found: Map<number, number>): void {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return; // IPv6 is off
  }
  try {
    let rest = '';
    let isHead = true;
    for (let bytes = 0; bytes < MAX_BYTES;) {
      const count = readSync(fd, chunk, 0, chunk.length, null);
      if (count === 0) return;
      bytes += count;
      const lines = (rest + chunk.toString('latin1', 0, count)).split('\n');
      rest = lines.pop() ?? '';
      if (!addListeners(isHead ? lines.slice(1) : lines, found)) return;
      isHead = false;
    }
  } finally {
    closeSync(fd);
  }
}

/** This network namespace's queues. A program may listen on an IPv4 address by an IPv6 socket: only then that table is read, too. */
const lookAtKernel: Look = (ports) => {
  const found = new Map<number, number>();
  readListeners('/proc/net/tcp', found);
  if (![...ports].every((port) => found.has(port))) readListeners('/proc/net/tcp6', found);
  return found;
};

/**
 * Opens the node's queues.
 * @param look default: this network namespace's
 */
export function openAcceptQueues(clock: Pick<Clock, 'sleep'>, look: Look = lookAtKernel): AcceptQueues {
  const all = new Set<Watched>();
  let running: Promise<void> | undefined;
  const lookOnce = (): void => {
    const waiting = look(new Set([...all].map(({ port }) => port)));
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
    while (all.size > 0) {
      await clock.sleep(LOOK_MS);
      if (all.size > 0) lookOnce();
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
