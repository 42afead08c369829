/** Owns one watch of an informer from its start to its end, with the periodic comparison beside it. */
import { SluiceError } from '../errors.ts';
import type { InformerParts } from './informer-options.ts';
import { GENERATION_KEY } from './keys.ts';
import type { KeyRange, StoreEvent, WatchEnd } from './store.ts';

/** How often count and generation are compared. */
const COMPARE_MS = 15_000;
/** A write in flight makes them differ for a moment; they must still differ after this. */
const CONFIRM_MS = 500;
/** How often everything is listed, whatever the comparison says; ± 10 % by jitter. */
const RELIST_MS = 600_000;

/** Why following ended: list again, or lost. */
export interface FollowEnd {
  readonly list: boolean;
  readonly lost?: string | undefined;
}

/** Watches from the revision of the copy on and applies what comes, until the watch ends or a listing is due. */
export async function followUntilEnd(parts: InformerParts): Promise<FollowEnd> {
  const { store, range, cache, state, stop } = parts;
  const ended = new AbortController();
  let relist: string | undefined;
  const reason = await new Promise<WatchEnd>((resolve) => {
    const listAgain = (why: string): void => {
      relist ??= why;
      watch.close();
    };
    const onEvents = (events: readonly StoreEvent[]): void => {
      if (relist !== undefined) return;
      const applied = cache.apply(events);
      if (applied.kind === 'gap') listAgain(applied.why);
      if (applied.kind !== 'applied') return;
      state.moved(applied.revision, events.length);
      const { revision, keys, events: fresh } = applied;
      parts.onChange({ revision, keys, events: fresh, cause: 'events', setBack: false });
    };
    const watch = store.watch(range, cache.revision(), { onReady: state.ready, onEvents, onEnd: resolve });
    whenAborted(stop, ended.signal, watch.close);
    whenAborted(parts.resync.wanted.signal, ended.signal, () => listAgain('asked for'));
    void keepComparing(parts, ended.signal, listAgain);
  });
  ended.abort();
  if (reason.kind === 'compacted') relist = reason.why;
  if (relist === undefined) return { list: false, lost: reason.kind === 'lost' ? reason.why : 'closed' };
  state.relist(relist);
  return { list: true };
}

/** Calls once when `signal` is aborted, at once if it is already; never after `until`. */
function whenAborted(signal: AbortSignal, until: AbortSignal, call: () => void): void {
  if (signal.aborted) call();
  else signal.addEventListener('abort', call, { once: true, signal: until });
}

/** Compares the copy with the store now and then, and asks for a listing where they differ or when one is due. */
async function keepComparing(
  parts: InformerParts,
  ended: AbortSignal,
  listAgain: (why: string) => void,
): Promise<void> {
  const { clock } = parts;
  const dueAtMs = clock.monotonicMs() + RELIST_MS * (0.9 + 0.2 * parts.random());
  for (;;) {
    await clock.sleep(COMPARE_MS, ended);
    if (ended.aborted) return;
    if (clock.monotonicMs() >= dueAtMs) return listAgain('due');
    let differs = await difference(parts, ended);
    if (differs === undefined) continue;
    await clock.sleep(CONFIRM_MS, ended);
    differs = await difference(parts, ended);
    if (ended.aborted) return;
    if (differs !== undefined) return listAgain(differs);
  }
}

/** What differs between copy and store; undefined too if the store could not be asked: then the watch will tell. */
async function difference(parts: InformerParts, ended: AbortSignal): Promise<string | undefined> {
  const { store, range, cache } = parts;
  try {
    const { count, revision } = await store.count(range, { signal: ended });
    if (revision < cache.revision())
      return `the store is at ${revision}, behind ${cache.revision()}: it was set back`;
    if (count !== cache.items.size) return `the store has ${count} keys, the copy ${cache.items.size}`;
    if (!holdsGeneration(range)) return undefined;
    const { item } = await store.get(GENERATION_KEY, { signal: ended });
    const known = cache.items.get(GENERATION_KEY);
    if (item?.modRevision === known?.modRevision && item?.value === known?.value) return undefined;
    return `the store is at generation ${item?.version ?? 0}, the copy at ${known?.version ?? 0}`;
  } catch (error) {
    if (error instanceof SluiceError) return undefined;
    throw error;
  }
}

/** True if spec writes can be counted in this range. */
export const holdsGeneration = (range: KeyRange): boolean =>
  range.start <= GENERATION_KEY && GENERATION_KEY < range.end;
