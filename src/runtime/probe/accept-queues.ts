/**
 * Owns telling whether programs take connections from the queues of their listeners, as the kernel shows them. One look for all that ask,
 * and none while nobody does.
 */
import type { Clock } from '../../host/clock.ts';
import type { Address } from '../../model/address.ts';
import { readListeners, type Waiting } from './listeners.ts';

/** Queues of the node's listeners. */
export interface AcceptQueues {
  /**
   * Calls back once when a look finds the address's queues empty, or shorter than the look before. An address without a listener that can be
   * seen (of a container with a network of its own) counts as empty.
   * @returns ends it
   */
  readonly watch: (address: Address, onTaken: () => void) => () => void;
  /** True if a listener for the address is seen and nobody waits to be taken. The look that tells is not older than `maxAgeMs`. */
  readonly areEmpty: (address: Address, maxAgeMs: number) => boolean;
}

interface Watched {
  readonly address: Address;
  readonly onTaken: () => void;
  before: number | undefined;
}

/** From a connection to the first look, and between looks while one is not taken. */
const LOOK_MS = 100;

/**
 * Opens the node's queues.
 * @param look default: at this network namespace
 */
export function openAcceptQueues(
  clock: Pick<Clock, 'sleep' | 'monotonicMs'>,
  look: () => Waiting = readListeners,
): AcceptQueues {
  const all = new Set<Watched>();
  let running: Promise<void> | undefined;
  let last: { readonly at: number; readonly waiting: Waiting } | undefined;
  const lookNow = (): Waiting => {
    last = { at: clock.monotonicMs(), waiting: look() };
    return last.waiting;
  };
  const lookOnce = (): void => {
    const waiting = lookNow();
    for (const one of all) {
      const now = waiting(one.address) ?? 0;
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
    watch: (address, onTaken) => {
      const one: Watched = { address, onTaken, before: undefined };
      all.add(one);
      running ??= run();
      return () => {
        all.delete(one);
      };
    },
    areEmpty: (address, maxAgeMs) => {
      const isFresh = last !== undefined && clock.monotonicMs() - last.at <= maxAgeMs;
      const waiting = isFresh ? last?.waiting : lookNow();
      return waiting?.(address) === 0;
    },
  };
}
