/**
 * Owns the copy of the whole store that all reads and watches are served from: one informer, so that there is one revision and one order.
 * Must not know HTTP or who is asking.
 */
import { SluiceError } from '../../errors.ts';
import type { Clock } from '../../host/clock.ts';
import { type Informer, startInformer } from '../../store/informer.ts';
import type { InformerChange } from '../../store/informer-options.ts';
import type { InformerState } from '../../store/informer-state.ts';
import { GENERATION_KEY } from '../../store/keys.ts';
import type { KeyRange, KeyValue, Store, StoreEvent } from '../../store/store.ts';
import { createEventLog, EVENT_LOG_LIMITS, type EventLogLimits, revisionOf } from './event-log.ts';
import { createFollowing } from './following.ts';
import { createLeaseKeys } from './lease-keys.ts';
import { createSortedKeys } from './sorted-keys.ts';
import { createWaiters } from './waiters.ts';
import { batchOf, createWatchers, eventsIn, type Watcher } from './watchers.ts';

/** Every key. */
const EVERYTHING: KeyRange = { start: '', end: '~' };
/** Longest check whether a watch's first revision is still held. */
const CHECK_MS = 1_500;

/** What a cache is made of. */
export interface WatchCacheOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** A batch of events as text, for watchers. */
  readonly format: (events: readonly StoreEvent[]) => string;
  readonly limits?: EventLogLimits | undefined;
  /** Told of every change, after the copy has it. Must not throw. */
  readonly onChange?: ((change: InformerChange, items: ReadonlyMap<string, KeyValue>) => void) | undefined;
}

/** The copy. */
export interface WatchCache {
  readonly state: () => InformerState;
  readonly item: (key: string) => KeyValue | undefined;
  /** Items of the range in order, as they are now; later changes do not touch what was given. */
  readonly list: (range: KeyRange) => readonly KeyValue[];
  readonly count: (range: KeyRange) => number;
  /** Keys that hang on a lease. */
  readonly keysOfLease: (lease: string) => readonly string[];
  /** Resolves true when the copy has reached `revision`, false after `timeoutMs`. */
  readonly reached: (revision: number, timeoutMs: number) => Promise<boolean>;
  /**
   * Starts a watch: `deliver` what came after `afterRevision`, then what comes. Returns how to leave.
   * @throws SluiceError `unavailable`, with details.compacted if the revision is not held any more
   */
  readonly watch: (range: KeyRange, afterRevision: number, watcher: Watcher) => Promise<() => void>;
  readonly watchers: () => number;
  /** Resolves after the first listing. @throws SluiceError as `Informer.synced` */
  readonly synced: (timeoutMs: number) => Promise<void>;
  /** Ends it and, with "lost", all watches; bounded by 1 s, never throws. */
  readonly close: () => Promise<void>;
}

/** The parts of a copy besides its informer. */
function partsOf({ limits = EVENT_LOG_LIMITS, clock, format }: WatchCacheOptions) {
  const closing = new AbortController();
  const watchers = createWatchers(format);
  const lost = (): void => watchers.endAll('lost', 'the API server does not reach the store');
  return {
    closing,
    watchers,
    keys: createSortedKeys(),
    leases: createLeaseKeys(),
    log: createEventLog(limits),
    waiters: createWaiters(clock, closing.signal),
    following: createFollowing(clock, closing.signal, lost),
  };
}

type CacheParts = ReturnType<typeof partsOf>;

/** Takes over a listing: keys anew, watchers told what it found changed. */
function takeListing(
  { keys, leases, log, watchers }: CacheParts,
  change: InformerChange,
  informer: Informer,
): void {
  keys.replace(informer.items.keys());
  for (const key of change.keys) leases.set(key, informer.items.get(key));
  if (change.setBack || informer.state().lists === 1) {
    watchers.endAll('compacted', 'the store was set back: list again');
    log.restart(change.revision);
    return;
  }
  const missed = eventsOf(change, informer);
  log.add(missed);
  watchers.tell(missed);
}

function takeEvents(
  { keys, leases, log, watchers }: CacheParts,
  change: InformerChange,
  informer: Informer,
): void {
  for (const key of change.keys) {
    const item = informer.items.get(key);
    if (item === undefined) keys.remove(key);
    else keys.add(key);
    leases.set(key, item);
  }
  log.add(change.events);
  watchers.tell(change.events);
}

/** Starts the copy. */
export function startWatchCache(options: WatchCacheOptions): WatchCache {
  const { store, format } = options;
  const parts = partsOf(options);
  const { keys, log, watchers, waiters, following } = parts;
  const checkHeld = createHeldCheck(store);
  const onChange = (change: InformerChange): void => {
    (change.cause === 'list' ? takeListing : takeEvents)(parts, change, informer);
    options.onChange?.(change, informer.items);
    waiters.tell(change.revision);
  };
  const informer = startInformer({ ...options, range: EVERYTHING, onChange, onState: following.onState });
  return {
    state: informer.state,
    item: (key) => informer.items.get(key),
    list: (range) => itemsOf(informer, keys.between(range)),
    count: keys.count,
    keysOfLease: parts.leases.of,
    reached: async (revision, timeoutMs) =>
      informer.state().revision >= revision || waiters.wait(revision, timeoutMs),
    watch: async (range, afterRevision, watcher) => {
      await checkHeld(afterRevision);
      if (!following.now()) throw notFollowing(store);
      const past = log.after(afterRevision);
      if (past === undefined) throw forgotten(afterRevision);
      watcher.ready();
      const seen = eventsIn(past, range);
      if (seen.length > 0) watcher.deliver(batchOf(seen, format));
      return watchers.join(range, Math.max(afterRevision, informer.state().revision), watcher);
    },
    watchers: watchers.count,
    synced: informer.synced,
    close: async () => {
      parts.closing.abort();
      watchers.endAll('lost', 'the API server stops');
      await informer.close();
    },
  };
}

/** A loop: of 60,000 keys it takes a third of what a mapping takes, and nobody else is answered meanwhile. */
function itemsOf({ items }: Informer, keys: readonly string[]): readonly KeyValue[] {
  const found: KeyValue[] = [];
  for (const key of keys) {
    const item = items.get(key);
    if (item !== undefined) found.push(item);
  }
  return found;
}

/** What a listing found changed, as events of the copy; what was overwritten in between is not told. */
function eventsOf({ keys, revision }: InformerChange, informer: Informer): readonly StoreEvent[] {
  return keys
    .map((key): StoreEvent => {
      const item = informer.items.get(key);
      return item === undefined ? { kind: 'delete', key, revision } : { kind: 'put', item };
    })
    .toSorted((a, b) => revisionOf(a) - revisionOf(b));
}

/**
 * Reads at a revision: only the store knows whether it was compacted, lies in the future, or belongs to a history that was set back. Watches
 * that begin at one revision together (nodes that lost a server) share one read.
 */
function createHeldCheck(store: Store): (revision: number) => Promise<void> {
  const one = { start: GENERATION_KEY, end: `${GENERATION_KEY}\0` };
  const underWay = new Map<number, Promise<void>>();
  const ask = async (revision: number): Promise<void> => {
    try {
      await store.list(one, { revision, timeoutMs: CHECK_MS });
    } finally {
      underWay.delete(revision);
    }
  };
  return async (revision) => {
    if (revision === 0) return;
    const asked = underWay.get(revision) ?? ask(revision);
    underWay.set(revision, asked);
    await asked;
  };
}

function forgotten(revision: number): SluiceError {
  return new SluiceError('unavailable', `this API server does not remember revision ${revision}`, {
    why: 'it started later, or much was written since',
    fix: 'list, and watch from there',
    details: { written: false, compacted: true, revision },
  });
}

function notFollowing(store: Store): SluiceError {
  return new SluiceError('unavailable', `this API server does not follow the store (${store.description})`, {
    why: 'it has lost the connection',
    fix: 'try another server, or again in a moment',
    details: { written: false },
  });
}
