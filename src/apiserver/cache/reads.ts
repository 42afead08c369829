/** Owns answering reads: from memory, as current as is asked for; from the store where memory cannot tell. Must not know HTTP. */
import { unavailable } from '../../store/failure.ts';
import type { KeyRange, KeyValue, Listing, Store } from '../../store/store.ts';
import { createHeadReader } from './head.ts';
import type { WatchCache } from './watch-cache.ts';

/** How current a read must be. */
export interface ReadOptions {
  /** Everything written before the read began is seen. */
  readonly consistent: boolean;
  readonly timeoutMs: number;
}

/** Reads. All throw `SluiceError` as a Store does. */
export interface Reads {
  readonly list: (
    range: KeyRange,
    options: ReadOptions & { readonly revision: number | undefined },
  ) => Promise<Listing>;
  readonly get: (
    key: string,
    options: ReadOptions,
  ) => Promise<{ readonly revision: number; readonly item: KeyValue | undefined }>;
  readonly count: (
    range: KeyRange,
    options: ReadOptions,
  ) => Promise<{ readonly revision: number; readonly count: number }>;
  /** The store's head, after a linearizable read. */
  readonly head: (timeoutMs: number) => Promise<number>;
}

/**
 * How long the copy may take to reach the store's head: an event takes some milliseconds. It never gets there by events if others, who share
 * etcd under another prefix, moved the head; then the store is read.
 */
const REACH_MS = 50;

/** Reads of a copy and the store behind it. */
export function createReads(cache: WatchCache, store: Store): Reads {
  const readHead = createHeadReader(store);
  /** True if memory may answer. @throws SluiceError */
  const mayAnswer = async ({ consistent, timeoutMs }: ReadOptions): Promise<boolean> => {
    if (consistent) return cache.reached(await readHead({ timeoutMs }), REACH_MS);
    if (cache.state().lists > 0) return true;
    throw unavailable('the API server has not listed it yet', { store: store.description });
  };
  const revision = (): number => cache.state().revision;
  return {
    list: async (range, options) => {
      const { timeoutMs } = options;
      if (options.revision !== undefined && options.revision !== revision())
        return store.list(range, { revision: options.revision, timeoutMs });
      if (options.revision !== undefined || (await mayAnswer(options)))
        return { revision: revision(), items: cache.list(range) };
      return store.list(range, { timeoutMs });
    },
    get: async (key, options) =>
      (await mayAnswer(options))
        ? { revision: revision(), item: cache.item(key) }
        : store.get(key, { timeoutMs: options.timeoutMs }),
    count: async (range, options) =>
      (await mayAnswer(options))
        ? { revision: revision(), count: cache.count(range) }
        : store.count(range, { timeoutMs: options.timeoutMs }),
    head: async (timeoutMs) => readHead({ timeoutMs }),
  };
}
