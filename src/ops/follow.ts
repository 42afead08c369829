/**
 * Owns following some keys until something holds of them: list once, then watch; list again when a watch is lost. For commands that wait;
 * the agent has its own informer.
 */
import type { Clock } from '../host/clock.ts';
import type { KeyRange, KeyValue, Store, StoreEvent, Watch } from '../store/store.ts';
import { SluiceError } from '../errors.ts';
import type { ReadDeps } from './deps.ts';

/** Longest time that a timer can take; about 24 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const CALL_MS = 2_500;
const RETRY_MS = { first: 100, most: 1_000 } as const;
/** Between two looks at what is followed: a hundred nodes that acknowledge within a moment are one look, not a hundred at all of them. */
const LOOK_MS = 50;

/** What is followed, and until when. */
export interface Follow {
  readonly ranges: readonly KeyRange[];
  /** Called after the listing and soon after changes, with all keys of the ranges. True ends it; an error is passed on. */
  readonly isDone: (items: ReadonlyMap<string, KeyValue>, revision: number) => boolean;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Keys as followed; changed in place by events. */
interface View {
  readonly items: Map<string, KeyValue>;
  revision: number;
}

async function listAll(
  store: Store,
  ranges: readonly KeyRange[],
  options: { signal: AbortSignal; timeoutMs: number },
): Promise<View> {
  const items = new Map<string, KeyValue>();
  let revision: number | undefined;
  for (const range of ranges) {
    const listing = await store.list(range, { ...options, revision });
    revision ??= listing.revision;
    for (const item of listing.items) items.set(item.key, item);
  }
  return { items, revision: revision ?? 0 };
}

function applyEvents(view: View, events: readonly StoreEvent[]): void {
  for (const event of events) {
    if (event.kind === 'put') view.items.set(event.item.key, event.item);
    else view.items.delete(event.key);
    view.revision = Math.max(view.revision, event.kind === 'put' ? event.item.modRevision : event.revision);
  }
}

/** Looks at once, then at most every LOOK_MS, however often it is called; not after the signal. */
function createLooker(clock: Clock, signal: AbortSignal, look: () => void): () => void {
  let [isResting, isAsked] = [false, false];
  const lookAndRest = async (): Promise<void> => {
    do {
      isAsked = false;
      look();
      isResting = true;
      await clock.sleep(LOOK_MS, signal);
    } while (isAsked && !signal.aborted);
    isResting = false;
  };
  return () => {
    isAsked = true;
    if (!isResting && !signal.aborted) void lookAndRest();
  };
}

/** Watches all ranges from the view's revision. Resolves when it is done, when a watch ended, or when the signal aborts. */
async function watchUntil(
  { store, clock }: ReadDeps,
  view: View,
  { ranges, isDone, signal }: Follow & { readonly signal: AbortSignal },
): Promise<'done' | 'lost'> {
  const from = view.revision;
  const finished = new AbortController();
  const watches: Watch[] = [];
  try {
    return await new Promise((resolve, reject) => {
      const onLost = (): void => resolve('lost');
      signal.addEventListener('abort', onLost, { once: true, signal: finished.signal });
      if (signal.aborted) onLost();
      const look = createLooker(clock, finished.signal, () => {
        try {
          if (isDone(view.items, view.revision)) resolve('done');
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
      const onEvents = (events: readonly StoreEvent[]): void => {
        applyEvents(view, events);
        look();
      };
      const handlers = { onReady: () => undefined, onEvents, onEnd: onLost };
      for (const range of ranges) watches.push(store.watch(range, from, handlers));
    });
  } finally {
    finished.abort();
    for (const watch of watches) watch.close();
  }
}

/** One listing and the watches that follow it. `lost`: to be tried again, if it is not over. */
async function followOnce(
  deps: ReadDeps,
  wanted: Follow & { readonly signal: AbortSignal },
): Promise<'done' | 'lost'> {
  const timeoutMs = Math.min(CALL_MS, wanted.timeoutMs);
  const view = await listAll(deps.store, wanted.ranges, { signal: wanted.signal, timeoutMs });
  return wanted.isDone(view.items, view.revision) ? 'done' : watchUntil(deps, view, wanted);
}

const isPassing = (error: unknown): boolean => error instanceof SluiceError && error.code === 'unavailable';

/**
 * Follows keys until `isDone` or the deadline.
 * @throws SluiceError `interrupted` when the signal aborts, `unavailable` if the first listing fails, what `isDone` throws
 */
export async function follow(deps: ReadDeps, wanted: Follow): Promise<'done' | 'timeout'> {
  const over = new AbortController();
  const onAbort = (): void => over.abort();
  wanted.signal?.addEventListener('abort', onAbort, { once: true });
  if (wanted.signal?.aborted === true) over.abort();
  const timer = deps.clock.sleep(Math.min(wanted.timeoutMs, MAX_TIMER_MS), over.signal).then(onAbort);
  try {
    let pauseMs: number = RETRY_MS.first;
    let hasListed = false;
    while (!over.signal.aborted) {
      const end = await followOnce(deps, { ...wanted, signal: over.signal }).catch((error: unknown) => {
        if (over.signal.aborted || (hasListed && isPassing(error))) return 'lost' as const;
        throw error;
      });
      if (end === 'done') return 'done';
      hasListed = true;
      await deps.clock.sleep(pauseMs, over.signal);
      pauseMs = Math.min(RETRY_MS.most, pauseMs * 2);
    }
  } finally {
    wanted.signal?.removeEventListener('abort', onAbort);
    over.abort();
    await timer;
  }
  if (wanted.signal?.aborted !== true) return 'timeout';
  throw new SluiceError('interrupted', 'stopped waiting', {
    why: 'interrupted; what was written stands',
    fix: 'sluice wait goes on waiting',
  });
}
