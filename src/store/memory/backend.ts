/** Owns the server side of the store in memory: history, leases and watchers. Several stores may share one. Must not know faults. */
import type { Clock } from '../../host/clock.ts';
import type { Attempt, GuardedTransaction } from '../resolve.ts';
import type { KeyRange, StoreEvent } from '../store.ts';
import { createHistory, eventKey, type History } from './history.ts';
import { inRange } from '../overlap.ts';

/** One watcher at the server; called synchronously with the events of one revision. */
export interface Watcher {
  readonly range: KeyRange;
  readonly deliver: (events: readonly StoreEvent[]) => void;
  readonly end: (why: string) => void;
}

/** The server side; its extra functions are hooks for tests and simulations. */
export interface MemoryBackend {
  readonly history: History;
  readonly transact: (transaction: GuardedTransaction) => Attempt | { readonly kind: 'lease-gone' };
  readonly watchers: Set<Watcher>;
  readonly grant: (ttlSeconds: number) => string;
  /** False if the lease has ended. */
  readonly renew: (lease: string) => boolean;
  readonly revoke: (lease: string) => void;
  /** Hook: compacts the history at `revision` (default: head). */
  readonly compact: (revision?: number) => void;
  /** Hook: sets the store back to `revision`, as a restored backup does, and ends all watches. */
  readonly setBack: (revision: number) => void;
}

interface ServerLease {
  readonly ttlMs: number;
  expiresAtMs: number;
  readonly ended: AbortController;
}

/** An empty server. Leases expire on `clock`. */
export function createMemoryBackend(clock: Clock): MemoryBackend {
  const history = createHistory();
  const watchers = new Set<Watcher>();
  const leases = new Map<string, ServerLease>();
  let granted = 0;

  const publish = (events: readonly StoreEvent[]): void => {
    if (events.length === 0) return;
    for (const watcher of watchers) {
      const seen = events.filter((event) => inRange(eventKey(event), watcher.range));
      if (seen.length > 0) watcher.deliver(seen);
    }
  };
  const revoke = (id: string): void => {
    leases.get(id)?.ended.abort();
    leases.delete(id);
    const held = history.at(EVERYTHING).filter((item) => item.lease === id);
    publish(history.apply(held.map((item) => ({ kind: 'delete', key: item.key }))));
  };
  const expire = async (id: string, lease: ServerLease): Promise<void> => {
    while (!lease.ended.signal.aborted && lease.expiresAtMs > clock.monotonicMs()) {
      await clock.sleep(lease.expiresAtMs - clock.monotonicMs(), lease.ended.signal);
    }
    if (!lease.ended.signal.aborted) revoke(id);
  };
  return {
    history,
    watchers,
    transact: (transaction) => {
      if (!transaction.compares.every(history.holds)) {
        const found = transaction.elseGet === undefined ? undefined : history.find(transaction.elseGet);
        return { kind: 'conflict', revision: history.head(), found };
      }
      if (transaction.operations.some((each) => each.kind === 'put' && leaseMissing(each.lease, leases))) {
        return { kind: 'lease-gone' };
      }
      publish(history.apply(transaction.operations));
      return { kind: 'done', revision: history.head() };
    },
    grant: (ttlSeconds) => {
      const id = String((granted += 1));
      const ttlMs = ttlSeconds * 1000;
      const lease = { ttlMs, expiresAtMs: clock.monotonicMs() + ttlMs, ended: new AbortController() };
      leases.set(id, lease);
      void expire(id, lease);
      return id;
    },
    renew: (id) => {
      const lease = leases.get(id);
      if (lease !== undefined) lease.expiresAtMs = clock.monotonicMs() + lease.ttlMs;
      return lease !== undefined;
    },
    revoke,
    compact: (revision = history.head()) => {
      history.compact(revision);
    },
    setBack: (revision) => {
      history.setBack(revision);
      for (const watcher of watchers) watcher.end('the store was restarted');
    },
  };
}

/** Every key that can be: from the empty key to the last character. */
const EVERYTHING: KeyRange = { start: '', end: '\u{10ffff}' };

function leaseMissing(lease: string | undefined, leases: ReadonlyMap<string, ServerLease>): boolean {
  return lease !== undefined && !leases.has(lease);
}
