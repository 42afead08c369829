/**
 * Owns following a range of any Store: list, watch, resume, list again. Its copy is always the store's state at one revision that it
 * has seen whole. It never empties because a list failed, and never goes back unless the store itself was set back.
 */
import { SluiceError } from '../errors.ts';
import { createInformerCache } from './informer-cache.ts';
import { createInformerState, type InformerState } from './informer-state.ts';
import { followUntilEnd, holdsGeneration } from './informer-follow.ts';
import { GENERATION_KEY } from './keys.ts';
import type { InformerOptions, InformerParts } from './informer-options.ts';
import type { KeyValue, Listing } from './store.ts';
import { unavailable } from './failure.ts';

/** A running informer. */
export interface Informer {
  /** The copy. Changes in place, only before a call of `onChange`. */
  readonly items: ReadonlyMap<string, KeyValue>;
  readonly state: () => InformerState;
  /**
   * Resolves after the first listing.
   * @throws SluiceError `unavailable` after `timeoutMs`; at once with what the store refused (`permission`, `config`)
   */
  readonly synced: (timeoutMs: number) => Promise<void>;
  /** Lists again now (SIGHUP). */
  readonly resync: () => void;
  /** Ends it; bounded by 1 s, never throws. */
  readonly close: () => Promise<void>;
}

/** Beyond this many revisions a listing is faster than catching up: etcd delivers 7,500 events/s, and lists 150,000 keys/s. */
const RELIST_GAP = 5_000;
/** Budget of one listing. */
const LIST_MS = 10_000;
/** Back-off between two tries. */
const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 1_000;
/** A watch that lived this long was not part of a storm: begin anew with the shortest pause. */
const SETTLED_MS = 5_000;

/** Starts following. */
export function startInformer(options: InformerOptions): Informer {
  const { clock } = options;
  const stop = new AbortController();
  const cache = createInformerCache(GENERATION_KEY);
  const state = createInformerState(clock, options.onState);
  const resync = { wanted: new AbortController() };
  const parts: InformerParts = { ...options, cache, state, stop: stop.signal, resync };
  const running = run(parts);
  return {
    items: cache.items,
    state: state.get,
    synced: (timeoutMs) => whenSynced(parts, timeoutMs),
    resync: () => resync.wanted.abort(),
    close: async () => {
      stop.abort();
      const done = new AbortController();
      await Promise.race([running, clock.sleep(1_000, done.signal)]);
      done.abort();
    },
  };
}

async function run(parts: InformerParts): Promise<void> {
  const { clock, state, stop } = parts;
  let pauseMs = FIRST_PAUSE_MS;
  let listFirst = true;
  while (!stop.aborted) {
    const startedAtMs = clock.monotonicMs();
    const end = await oneRound(parts, listFirst);
    if (stop.aborted) return;
    listFirst = end.list;
    if (end.lost !== undefined) state.lost(end.lost);
    if (clock.monotonicMs() - startedAtMs > SETTLED_MS) pauseMs = FIRST_PAUSE_MS;
    await clock.sleep(pauseMs * (0.5 + parts.random()), stop);
    pauseMs = Math.min(pauseMs * 2, LAST_PAUSE_MS);
  }
}

interface RoundEnd {
  /** Begin the next round with a listing. */
  readonly list: boolean;
  /** Set if the store could not be followed any more. */
  readonly lost?: string | undefined;
}

/** One listing if needed, one watch until its end. Errors of the store become data. */
async function oneRound(parts: InformerParts, listFirst: boolean): Promise<RoundEnd> {
  let list = listFirst;
  try {
    list = list || (await mustList(parts));
    if (list) {
      await takeListing(parts);
      list = false;
    }
    return await followUntilEnd(parts);
  } catch (error) {
    const failure = error instanceof SluiceError ? error : undefined;
    if (failure === undefined) throw error;
    if (list) parts.state.listFailed(failure);
    return { list, lost: failure.why ?? failure.message };
  }
}

/** True if catching up takes longer than a listing, or if the store does not go on from the copy. */
async function mustList(parts: InformerParts): Promise<boolean> {
  const { store, range, cache, state, stop } = parts;
  const [head, otherHistory] = await Promise.all([
    store.count(range, { signal: stop }),
    hasOtherHistory(parts),
  ]);
  const ahead = head.revision - cache.revision();
  if (ahead >= 0 && ahead <= RELIST_GAP && !otherHistory) return false;
  state.relist(
    otherHistory
      ? `the store had another generation at revision ${cache.revision()}: it was set back`
      : `the store is at revision ${head.revision}, the copy at ${cache.revision()}`,
  );
  return true;
}

/**
 * True if the store holds another generation at the revision of the copy than the copy: it was set back to a backup and has since
 * written as far again. The value names its write, so that two histories never agree by chance. A compacted revision is no answer; the
 * watch will say so.
 */
async function hasOtherHistory({ store, range, cache, stop }: InformerParts): Promise<boolean> {
  const known = cache.items.get(GENERATION_KEY);
  if (known === undefined || !holdsGeneration(range)) return false;
  const only = { start: GENERATION_KEY, end: `${GENERATION_KEY}\0` };
  try {
    const { items } = await store.list(only, { revision: cache.revision(), signal: stop });
    return items[0]?.value !== known.value || items[0].modRevision !== known.modRevision;
  } catch (error) {
    if (error instanceof SluiceError && error.details['compacted'] === true) return false;
    throw error;
  }
}

async function takeListing(parts: InformerParts): Promise<void> {
  const { store, range, cache, state, stop } = parts;
  parts.resync.wanted = new AbortController();
  const listing = await store.list(range, { timeoutMs: LIST_MS, signal: stop });
  const setBack = listing.revision < cache.revision();
  if (setBack && !(await isReallyBack(parts, listing))) {
    throw unavailable(`a listing at revision ${listing.revision} is behind ${cache.revision()}`, {
      store: store.description,
    });
  }
  const keys = cache.replace(listing);
  state.listed(listing.revision, setBack);
  parts.onChange({ revision: listing.revision, keys, events: [], cause: 'list', setBack });
}

/** Asks a second time before going back: one wrong answer must not turn the rules back. */
async function isReallyBack(parts: InformerParts, listing: Listing): Promise<boolean> {
  const { revision } = await parts.store.count(parts.range, { signal: parts.stop });
  return revision < parts.cache.revision() && revision >= listing.revision;
}

async function whenSynced(parts: InformerParts, timeoutMs: number): Promise<void> {
  const { state, clock, store } = parts;
  if (!state.settled.aborted) await clock.sleep(timeoutMs, state.settled);
  const { lists, why } = state.get();
  if (lists > 0) return;
  const place = { store: store.description };
  throw state.refusal() ?? unavailable(`no listing within ${timeoutMs} ms: ${why ?? 'no answer'}`, place);
}
