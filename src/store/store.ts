/**
 * Owns the Store interface that every part of Sluice speaks: list, watch, transaction, lease. Implementations (etcd,
 * memory, later the API server) pass one contract suite. Keys here are relative to the store's prefix ('service/web').
 */

/** One stored key. Revisions are etcd's: safe integers, one global counter, raised by every write. */
export interface KeyValue {
  readonly key: string;
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  /** Writes since the key was created, starting at 1. */
  readonly version: number;
  /** Lease id, or undefined for a key without a lease. */
  readonly lease?: string | undefined;
}

/** Keys from `start` (included) to `end` (excluded), in byte order. */
export interface KeyRange {
  readonly start: string;
  readonly end: string;
}

/** What must hold for a transaction to be done. */
export type Compare =
  /** The key exists with exactly this modRevision; 0 = the key does not exist. */
  | { readonly kind: 'mod-revision'; readonly key: string; readonly equals: number }
  /** The key exists with exactly this createRevision; 0 = the key does not exist. Used for fencing. */
  | { readonly kind: 'create-revision'; readonly key: string; readonly equals: number }
  /** No key of the range was created or changed after `revision` (deletions are not seen: compare those keys singly). */
  | { readonly kind: 'range-unchanged'; readonly range: KeyRange; readonly revision: number };

/** What a transaction does. All of it, or nothing. */
export type Operation =
  | {
      readonly kind: 'put';
      readonly key: string;
      readonly value: string;
      readonly lease?: string | undefined;
    }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'delete-range'; readonly range: KeyRange };

/** A transaction: data first, then `Store.transact`. */
export interface Transaction {
  readonly compares: readonly Compare[];
  readonly operations: readonly Operation[];
  /**
   * A key that only this transaction writes (its audit record; it must be among `operations` as a put, under a name nobody else can
   * choose). With it an ambiguous answer is resolved: after a lost answer the store looks for this key, and if it is absent writes
   * a tombstone ('{"aborted":true}', resolve.ts) under it, which makes the original, should it still arrive, fail its compare.
   * A request that is found to have been done before is answered `done` with its revision. Readers of audit records pass
   * over tombstones.
   */
  readonly requestKey?: string | undefined;
}

/** Answer of a transaction. */
export type TransactionResult =
  | { readonly kind: 'done'; readonly revision: number }
  /** A compare failed; nothing was written. `revision` is the store's head at that moment. */
  | { readonly kind: 'conflict'; readonly revision: number };

/** A page of a listing, all of it at one revision. */
export interface Listing {
  readonly revision: number;
  readonly items: readonly KeyValue[];
}

/** A change, in the order of the store. All events of one transaction carry one revision. */
export type StoreEvent =
  | { readonly kind: 'put'; readonly item: KeyValue }
  | { readonly kind: 'delete'; readonly key: string; readonly revision: number };

/** Why a watch ended. `compacted`: the start revision is gone, list again. `lost`: connection, no leader, silent server: resume. */
export type WatchEnd =
  | { readonly kind: 'compacted'; readonly why: string }
  | { readonly kind: 'lost'; readonly why: string }
  | { readonly kind: 'closed' };

/** Where a watch delivers. Handlers must not throw. */
export interface WatchHandlers {
  /** The server has accepted the watch; events may follow. */
  readonly onReady: () => void;
  /** Whole transactions, in order: every event of one revision is in one call. */
  readonly onEvents: (events: readonly StoreEvent[]) => void;
  /** Called exactly once, last. */
  readonly onEnd: (end: WatchEnd) => void;
}

/** A running watch. */
export interface Watch {
  /** Ends the watch; `onEnd({kind: 'closed'})` follows. Idempotent. */
  readonly close: () => void;
}

/** A lease that is being kept alive until it is revoked or lost. */
export interface Lease {
  readonly id: string;
  readonly ttlSeconds: number;
  /** Aborted when the lease must be taken as lost: expired, revoked, or not renewed for 0.7 × TTL (monotonic clock). */
  readonly lost: AbortSignal;
  /** Stops renewing and gives the lease up; bounded by 1 s, never throws. */
  readonly revoke: () => Promise<void>;
  /** Stops renewing and leaves the lease, with the keys under it, to run out by itself. `lost` is aborted. */
  readonly letGo: () => void;
}

/** Health of one server of the store. */
export interface EndpointStatus {
  readonly endpoint: string;
  readonly healthy: boolean;
  /** Round trip of a linearizable read in milliseconds, if healthy. */
  readonly latencyMs?: number | undefined;
  readonly revision?: number | undefined;
  readonly version?: string | undefined;
  readonly error?: string | undefined;
}

/** Bounds of one call. */
export interface CallOptions {
  /** Total budget of the call with all its retries. Default 2,500 ms. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The store. All methods throw `SluiceError`: `unavailable` (nothing was written), `unknown` (a write whose outcome could
 * not be found out), `permission`, `config`, `failed` (the store is full, or refuses), `invalid-spec` (too large for one
 * transaction; nothing was sent), `conflict` with details.leaseLost (a put names a lease that has ended), `interrupted`.
 * Reads are linearizable and retried on other servers within their budget; writes are sent once, and resolved through
 * `requestKey` if the answer is lost.
 */
export interface Store {
  /** Name of the store for messages, e.g. 'etcd http://10.0.0.1:2379'. Holds no secrets. */
  readonly description: string;
  /** All keys of the range at one revision (paged inside). `revision`: read at that revision; `compacted` there is an `unavailable` error with details.compacted. */
  readonly list: (
    range: KeyRange,
    options?: CallOptions & { readonly revision?: number | undefined },
  ) => Promise<Listing>;
  readonly get: (
    key: string,
    options?: CallOptions,
  ) => Promise<{ readonly revision: number; readonly item: KeyValue | undefined }>;
  /** Number of keys in the range and the store's head revision; cheap. */
  readonly count: (
    range: KeyRange,
    options?: CallOptions,
  ) => Promise<{ readonly revision: number; readonly count: number }>;
  readonly transact: (transaction: Transaction, options?: CallOptions) => Promise<TransactionResult>;
  /** Watches the range for events with modRevision > `afterRevision`. Never throws; failures arrive at `onEnd`. */
  readonly watch: (range: KeyRange, afterRevision: number, handlers: WatchHandlers) => Watch;
  readonly grantLease: (ttlSeconds: number, options?: CallOptions) => Promise<Lease>;
  readonly status: (options?: CallOptions) => Promise<readonly EndpointStatus[]>;
  /** Ends watches and keepalives; bounded by 1 s, never throws. */
  readonly close: () => Promise<void>;
}
