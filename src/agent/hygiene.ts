/**
 * Owns forgetting stale connections after applies: remembers what the kernel did before, forgets in steps, never holds an apply up.
 *
 * UDP and what was never translated goes at once. A TCP connection to an instance that is gone goes at once if it waits for an answer (its
 * next SYN lands elsewhere), but when it is established only after a grace: where the instance was removed while it worked on, requests
 * under way end well, and where it is dead, clients get a reset instead of waiting for their own timeouts.
 */
import { setMaxListeners } from 'node:events';
import { SluiceError } from '../errors.ts';
import type { Conntrack } from '../dataplane/conntrack.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { flowKey } from '../rules/conntrack-flows.ts';
import { everyUntranslated, type Forwarding, type Stale, staleBetween, stillStale } from '../rules/gone.ts';

/** Keeps the memory of connections clean. */
export interface Hygiene {
  /** Says what the kernel did before this process: from the saved snapshot. */
  readonly startFrom: (before: Forwarding) => void;
  /** Says what the kernel does now; `repaired` if rules had been away. */
  readonly applied: (now: Forwarding, repaired: boolean) => void;
  /** Lets what runs end; forgets nothing more. */
  readonly close: () => Promise<void>;
}

/** What hygiene needs. */
export interface HygieneOptions {
  readonly conntrack: Conntrack;
  readonly clock: Clock;
  readonly log: Log;
}

/** A handshake that is under way is over after this time, unless nobody answers. */
export const HANDSHAKE_MS = 200;
/** For established TCP connections to what is gone. */
export const GRACE_MS = 5_000;

/** True for those that a grace is given. */
const isLater = ({ entry, unanswered }: Stale): boolean => entry.protocol === 'tcp' && !unanswered;

/** Starts with an empty memory: then the first apply forgets only what was never translated. */
export function startHygiene({ conntrack, clock, log }: HygieneOptions): Hygiene {
  const closing = new AbortController();
  // Every change that takes instances away waits for its own grace.
  setMaxListeners(0, closing.signal);
  let current: Forwarding | undefined;
  let running: Promise<void> = Promise.resolve();
  let lastWhy = '';
  const wentLast = new Map<string, readonly Stale[]>();

  const forget = async (stale: readonly Stale[]): Promise<void> => {
    const wanted = current === undefined ? stale : stillStale(stale, current);
    if (wanted.length === 0 || closing.signal.aborted) return;
    const started = clock.monotonicMs();
    try {
      const kinds = await conntrack.forget(wanted);
      lastWhy = '';
      const tookMs = Math.round(clock.monotonicMs() - started);
      if (kinds > 0) log.info('stale connections forgotten', { kinds, of: wanted.length, tookMs });
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      const why = [error.message, error.why].filter((part) => part !== undefined).join(': ');
      if (why !== lastWhy)
        log.warn('stale connections are not forgotten; clients of gone instances wait', { why });
      lastWhy = why;
    }
  };

  /** One after the other: each walks the whole table. */
  const forgetNext = async (stale: readonly Stale[]): Promise<void> => {
    running = running.then(() => forget(stale));
    await running;
  };

  /** The grace counts from the last time that an instance went: one that comes and goes keeps what it has. */
  const forgetLater = async (stale: readonly Stale[]): Promise<void> => {
    if (stale.length === 0) return;
    for (const one of stale) wentLast.set(flowKey(one), stale);
    const isLast = (one: Stale): boolean => wentLast.get(flowKey(one)) === stale;
    await clock.sleep(HANDSHAKE_MS, closing.signal);
    await forgetNext(stale.filter(isLast).map((one) => ({ ...one, unanswered: true })));
    await clock.sleep(GRACE_MS - HANDSHAKE_MS, closing.signal);
    const last = stale.filter(isLast);
    for (const one of last) wentLast.delete(flowKey(one));
    await forgetNext(last);
  };

  return {
    startFrom: (known) => {
      current = known;
    },
    applied: (now, repaired) => {
      const gone = current === undefined ? [] : staleBetween(current, now);
      const untranslated = current === undefined || repaired ? everyUntranslated(now.ruleset) : [];
      current = now;
      void forgetNext([...gone.filter((stale) => !isLater(stale)), ...untranslated]);
      void forgetLater(gone.filter(isLater));
    },
    close: async () => {
      closing.abort();
      await running;
    },
  };
}
