/**
 * Owns the store as one caller sees it: what use cases read comes from the server's copy, as current as etcd, and what they write passes the
 * same rules as the caller's own transactions. Must not know use cases.
 */
import type { Caller } from '../../model/access.ts';
import { unavailable } from '../../store/failure.ts';
import type { CallOptions, Compare, Store, Transaction, TransactionResult } from '../../store/store.ts';
import { Outdated } from '../access/before.ts';
import type { CheckWrite } from '../access/check-write.ts';
import { checkRead, notAllowed, onlyKey } from '../access/may-read.ts';
import type { Reads } from '../cache/reads.ts';
import type { WatchCache } from '../cache/watch-cache.ts';

/** What the view is made of. */
export interface StoreParts {
  readonly store: Store;
  readonly cache: WatchCache;
  readonly reads: Reads;
  readonly checkWrite: CheckWrite;
}

/** Whose view it is. */
export interface View {
  readonly caller: Caller;
  /** Bound of each call. */
  readonly timeoutMs: number;
  /** Everything written before is seen; else the copy answers as it is, which may be a moment old. */
  readonly consistent: boolean;
}

/** A write that names a record of its own finds out through it what became of it; then the compare is the store's to add. */
function ownCompare({ requestKey }: Transaction): readonly Compare[] {
  return requestKey === undefined ? [] : [{ kind: 'create-revision', key: requestKey, equals: 0 }];
}

async function transact(
  { store, cache, checkWrite }: StoreParts,
  { caller, timeoutMs }: View,
  transaction: Transaction,
): Promise<TransactionResult> {
  const { requestKey } = transaction;
  const present = { cached: cache.item, read: async (key: string) => store.get(key, { timeoutMs }) };
  const compares = [...ownCompare(transaction), ...transaction.compares];
  try {
    const checked = await checkWrite(
      { compares, operations: transaction.operations },
      { caller, present, keysOfLease: cache.keysOfLease },
    );
    const sent = { compares: transaction.compares, operations: checked.operations };
    return await store.transact({ ...sent, ...(requestKey === undefined ? {} : { requestKey }) });
  } catch (error) {
    if (!(error instanceof Outdated)) throw error;
    return { kind: 'conflict', revision: error.revision };
  }
}

/**
 * The view of a caller. Nothing of it can be closed: what it stands on is the server's.
 * All calls throw SluiceError as a Store does, and `permission` for what the caller may not read or write.
 */
export function callerStore(parts: StoreParts, view: View): Store {
  const { store, reads } = parts;
  const { caller, consistent } = view;
  const optionsOf = ({ timeoutMs = view.timeoutMs }: CallOptions = {}) => ({ consistent, timeoutMs });
  return {
    description: store.description,
    list: async (range, options) => {
      checkRead(caller, range);
      return reads.list(range, { ...optionsOf(options), revision: options?.revision });
    },
    get: async (key, options) => {
      checkRead(caller, onlyKey(key));
      return reads.get(key, optionsOf(options));
    },
    count: async (range, options) => {
      checkRead(caller, range);
      return reads.count(range, optionsOf(options));
    },
    transact: async (transaction) => transact(parts, view, transaction),
    watch: (range, afterRevision, handlers) => {
      checkRead(caller, range);
      return store.watch(range, afterRevision, handlers);
    },
    grantLease: async () => Promise.reject(notAllowed(caller, 'keep a lease', 'no use case of others does')),
    // How the servers of etcd are is not looked at for everybody who asks; whether this one follows it is known.
    status: async () => Promise.resolve([ownStatus(parts)]),
    close: async () => Promise.resolve(),
  };
}

function ownStatus({ store, cache }: StoreParts) {
  const { connected, revision, why } = cache.state();
  if (connected) return { endpoint: store.description, healthy: true, revision };
  const error = unavailable(why ?? 'not listed yet', { store: store.description });
  return { endpoint: store.description, healthy: false, error: error.why ?? error.message };
}
