/** Owns the Store in memory, for tests and simulation: full semantics, an injected clock, faults by hook. */
import { type Clock, systemClock } from '../../host/clock.ts';
import { SluiceError } from '../../errors.ts';
import { DEFAULT_TIMEOUT_MS, interrupted, leaseGone, revisionGone, unavailable } from '../failure.ts';
import { checkLimits } from '../limits.ts';
import { refuseOverlap } from '../overlap.ts';
import { keepLease } from '../lease-keeper.ts';
import { type Attempt, type GuardedTransaction, transactResolved } from '../resolve.ts';
import type { CallOptions, Lease, Store, StoreEvent } from '../store.ts';
import { createMemoryBackend, type MemoryBackend } from './backend.ts';
import { type MemoryWatch, watchMemory } from './watch.ts';

/** A call on its way to the server; what a fault hook sees. */
export type MemoryCall =
  'list' | 'get' | 'count' | 'transact' | 'watch' | 'grant' | 'renew' | 'revoke' | 'status';

/**
 * What goes wrong with a call. `unreachable`: not sent. `lose-request`: sent, never done, no answer. `lose-answer`: done, no
 * answer. `late`: no answer now, done when `arrives` resolves. `refused`: no permission. `hang`: no answer within the budget.
 */
export type MemoryFault =
  | { readonly kind: 'unreachable' | 'lose-request' | 'lose-answer' | 'refused' | 'hang' }
  | { readonly kind: 'late'; readonly arrives: Promise<void> };

/** How the store in memory behaves. */
export interface MemoryStoreOptions {
  /** Default: the machine's clock. */
  readonly clock?: Clock | undefined;
  /** Give two stores one backend to make them two clients of one server. Default: an own one. */
  readonly backend?: MemoryBackend | undefined;
  /** Asked before every call; undefined = all is well. */
  readonly fault?: ((call: MemoryCall) => MemoryFault | undefined) | undefined;
  /** Hook on events on their way to a watch; what it does not return is lost. */
  readonly pass?: ((events: readonly StoreEvent[]) => readonly StoreEvent[]) | undefined;
}

/** The store in memory, with hooks. */
export interface MemoryStore extends Store {
  readonly backend: MemoryBackend;
  /** Breaks all connections of watches of this store. */
  readonly cutWatches: (why: string) => void;
}

const NAME = 'memory';

/** A store in memory. */
export function createMemoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const clock = options.clock ?? systemClock;
  const backend = options.backend ?? createMemoryBackend(clock);
  const closed = new AbortController();
  const watches = new Set<MemoryWatch>();
  const fault = (call: MemoryCall): MemoryFault | undefined =>
    closed.signal.aborted ? { kind: 'unreachable' } : options.fault?.(call);
  const reach: Reach = async (call, callOptions) => {
    await Promise.resolve();
    if (callOptions?.signal?.aborted === true) throw interrupted({ store: NAME });
    const wrong = fault(call);
    if (wrong === undefined) return;
    if (wrong.kind === 'refused') throw refused();
    if (wrong.kind !== 'unreachable') {
      await clock.sleep(callOptions?.timeoutMs ?? DEFAULT_TIMEOUT_MS, callOptions?.signal);
    }
    throw unavailable(`the ${call} call failed (${wrong.kind})`, { store: NAME });
  };
  return {
    description: NAME,
    backend,
    ...reads(backend, reach),
    transact: async (transaction, callOptions) => {
      await Promise.resolve();
      refuseOverlap(transaction.operations);
      const endsAtMs = clock.monotonicMs() + (callOptions?.timeoutMs ?? DEFAULT_TIMEOUT_MS);
      const remainingMs = (): number => endsAtMs - clock.monotonicMs();
      return transactResolved(transaction, {
        store: NAME,
        send: async (guarded) => {
          checkLimits(guarded);
          return send(backend, guarded, fault('transact'));
        },
        remainingMs,
        pause: () => clock.sleep(Math.min(50, Math.max(1, remainingMs()))),
        signal: callOptions?.signal,
      });
    },
    watch: (range, afterRevision, handlers) => {
      const unreachable = fault('watch') === undefined ? undefined : 'the watch call failed';
      const pass = options.pass ?? ((events) => events);
      const watch = watchMemory(
        backend,
        { range, afterRevision, unreachable, pass },
        {
          ...handlers,
          onEnd: (end) => {
            watches.delete(watch);
            handlers.onEnd(end);
          },
        },
      );
      watches.add(watch);
      return watch;
    },
    grantLease: (ttlSeconds, callOptions) =>
      grant(ttlSeconds, { backend, clock, reach, closed: closed.signal }, callOptions),
    status: async (callOptions) => {
      try {
        await reach('status', callOptions);
        return [{ endpoint: NAME, healthy: true, latencyMs: 0, revision: backend.history.head() }];
      } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        return [{ endpoint: NAME, healthy: false, error: error.why ?? error.message }];
      }
    },
    cutWatches: (why) => {
      for (const watch of watches) watch.cut(why);
    },
    close: async () => {
      for (const watch of watches) watch.close();
      closed.abort();
      await Promise.resolve();
    },
  };
}

type Reach = (call: MemoryCall, options: CallOptions | undefined) => Promise<void>;

function reads(backend: MemoryBackend, reach: Reach): Pick<Store, 'list' | 'get' | 'count'> {
  const { history } = backend;
  return {
    list: async (range, options) => {
      await reach('list', options);
      const revision = options?.revision ?? history.head();
      if (revision < history.compactedAt() || revision > history.head()) {
        throw revisionGone(revision, { store: NAME });
      }
      return { revision, items: history.at(range, revision) };
    },
    get: async (key, options) => {
      await reach('get', options);
      return { revision: history.head(), item: history.find(key) };
    },
    count: async (range, options) => {
      await reach('count', options);
      return { revision: history.head(), count: history.at(range).length };
    },
  };
}

async function send(
  backend: MemoryBackend,
  transaction: GuardedTransaction,
  fault: MemoryFault | undefined,
): Promise<Attempt> {
  await Promise.resolve();
  const why = fault === undefined ? '' : `the transact call failed (${fault.kind})`;
  if (fault?.kind === 'unreachable') return { kind: 'not-sent', why };
  if (fault?.kind === 'refused') throw refused();
  if (fault?.kind === 'lose-request' || fault?.kind === 'hang') return { kind: 'ambiguous', why };
  if (fault?.kind === 'late') {
    void fault.arrives.then(() => backend.transact(transaction));
    return { kind: 'ambiguous', why };
  }
  const answer = backend.transact(transaction);
  if (fault?.kind === 'lose-answer') return { kind: 'ambiguous', why };
  if (answer.kind === 'lease-gone') throw leaseGone(undefined, { store: NAME });
  return answer;
}

interface LeaseParts {
  readonly backend: MemoryBackend;
  readonly clock: Clock;
  readonly reach: Reach;
  readonly closed: AbortSignal;
}

async function grant(
  ttlSeconds: number,
  parts: LeaseParts,
  options: CallOptions | undefined,
): Promise<Lease> {
  const { backend, clock, reach, closed } = parts;
  const grantedAtMs = clock.monotonicMs();
  await reach('grant', options);
  const id = backend.grant(ttlSeconds);
  return keepLease({
    clock,
    id,
    ttlSeconds,
    grantedAtMs,
    renew: async (timeoutMs) => {
      await reach('renew', { timeoutMs });
      return backend.renew(id) ? 'renewed' : 'gone';
    },
    revoke: async () => {
      await reach('revoke', { timeoutMs: 1_000 });
      backend.revoke(id);
    },
    closed,
  });
}

function refused(): SluiceError {
  return new SluiceError('permission', `the store refused the call (${NAME})`, {
    why: 'permission denied',
    fix: 'use credentials with the needed role',
  });
}
