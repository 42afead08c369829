/** Owns the calls of the store in memory, and what can go wrong with them. */
import { SluiceError } from '../../errors.ts';
import type { Clock } from '../../host/clock.ts';
import { DEFAULT_TIMEOUT_MS, interrupted, leaseGone, revisionGone, unavailable } from '../failure.ts';
import type { LeaseCalls } from '../lease-calls.ts';
import { checkLimits } from '../limits.ts';
import { refuseOverlap } from '../overlap.ts';
import { type Attempt, type GuardedTransaction, transactResolved } from '../resolve.ts';
import type { CallOptions, EndpointStatus, Store, Transaction, TransactionResult } from '../store.ts';
import type { MemoryBackend } from './backend.ts';

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

/** Name of the store in messages. */
export const MEMORY = 'memory';

/** What the calls share. */
export interface MemoryParts {
  readonly backend: MemoryBackend;
  readonly clock: Clock;
  readonly fault: (call: MemoryCall) => MemoryFault | undefined;
  readonly closed: AbortSignal;
}

/** Passes a call that is not a transaction, or fails it as the fault hook wants. */
async function reach(parts: MemoryParts, call: MemoryCall, options: CallOptions | undefined): Promise<void> {
  await Promise.resolve();
  if (options?.signal?.aborted === true) throw interrupted({ store: MEMORY });
  const wrong = parts.fault(call);
  if (wrong === undefined) return;
  if (wrong.kind === 'refused') throw refused();
  if (wrong.kind !== 'unreachable') {
    await parts.clock.sleep(options?.timeoutMs ?? DEFAULT_TIMEOUT_MS, options?.signal);
  }
  throw unavailable(`the ${call} call failed (${wrong.kind})`, { store: MEMORY });
}

/** The reading part of the store. */
export function memoryReads(parts: MemoryParts): Pick<Store, 'list' | 'get' | 'count'> {
  const { history } = parts.backend;
  return {
    list: async (range, options) => {
      await reach(parts, 'list', options);
      const revision = options?.revision ?? history.head();
      if (revision < history.compactedAt() || revision > history.head()) {
        throw revisionGone(revision, { store: MEMORY });
      }
      return { revision, items: history.at(range, revision) };
    },
    get: async (key, options) => {
      await reach(parts, 'get', options);
      return { revision: history.head(), item: history.find(key) };
    },
    count: async (range, options) => {
      await reach(parts, 'count', options);
      return { revision: history.head(), count: history.at(range).length };
    },
  };
}

/** The writing part of the store. */
export async function memoryTransact(
  parts: MemoryParts,
  transaction: Transaction,
  options: CallOptions | undefined,
): Promise<TransactionResult> {
  const { backend, clock, fault } = parts;
  await Promise.resolve();
  refuseOverlap(transaction.operations);
  const endsAtMs = clock.monotonicMs() + (options?.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const remainingMs = (): number => endsAtMs - clock.monotonicMs();
  return transactResolved(transaction, {
    store: MEMORY,
    send: async (guarded) => {
      checkLimits(guarded);
      return send(backend, guarded, fault('transact'));
    },
    remainingMs,
    pause: () => clock.sleep(Math.min(50, Math.max(1, remainingMs()))),
    signal: options?.signal,
  });
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
  if (answer.kind === 'lease-gone') throw leaseGone(undefined, { store: MEMORY });
  return answer;
}

/** The calls of leases. */
export function memoryLeaseCalls(parts: MemoryParts): LeaseCalls {
  const { backend } = parts;
  return {
    grant: async (ttlSeconds, options) => {
      await reach(parts, 'grant', options);
      return { id: backend.grant(ttlSeconds), ttlSeconds };
    },
    renew: async (lease, options) => {
      await reach(parts, 'renew', options);
      return backend.renew(lease) ? 'renewed' : 'gone';
    },
    revoke: async (lease, options) => {
      await reach(parts, 'revoke', options);
      backend.revoke(lease);
    },
  };
}

/** Health of the one server. */
export async function memoryStatus(
  parts: MemoryParts,
  options: CallOptions | undefined,
): Promise<readonly EndpointStatus[]> {
  try {
    await reach(parts, 'status', options);
    return [{ endpoint: MEMORY, healthy: true, latencyMs: 0, revision: parts.backend.history.head() }];
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return [{ endpoint: MEMORY, healthy: false, error: error.why ?? error.message }];
  }
}

function refused(): SluiceError {
  return new SluiceError('permission', `the store refused the call (${MEMORY})`, {
    why: 'permission denied',
    fix: 'use credentials with the needed role',
  });
}
