/** Owns the Store in memory, for tests and simulation: full semantics, an injected clock, faults by hook. */
import { type Clock, systemClock } from '../../host/clock.ts';
import { grantKept, type ServableStore } from '../lease-calls.ts';
import type { StoreEvent } from '../store.ts';
import { createMemoryBackend, type MemoryBackend } from './backend.ts';
import {
  MEMORY,
  type MemoryCall,
  type MemoryFault,
  memoryLeaseCalls,
  type MemoryParts,
  memoryReads,
  memoryStatus,
  memoryTransact,
} from './calls.ts';
import { type MemoryWatch, watchMemory } from './watch.ts';

export type { MemoryCall, MemoryFault } from './calls.ts';

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
export interface MemoryStore extends ServableStore {
  readonly backend: MemoryBackend;
  /** Breaks all connections of watches of this store. */
  readonly cutWatches: (why: string) => void;
}

/** A store in memory. */
export function createMemoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const clock = options.clock ?? systemClock;
  const backend = options.backend ?? createMemoryBackend(clock);
  const closing = new AbortController();
  const watches = new Set<MemoryWatch>();
  const fault: MemoryParts['fault'] = (call) =>
    closing.signal.aborted ? { kind: 'unreachable' } : options.fault?.(call);
  const parts: MemoryParts = { backend, clock, fault, closed: closing.signal };
  const leaseCalls = memoryLeaseCalls(parts);
  return {
    description: MEMORY,
    backend,
    ...memoryReads(parts),
    transact: (transaction, callOptions) => memoryTransact(parts, transaction, callOptions),
    watch: (range, afterRevision, handlers) => {
      const unreachable = fault('watch') === undefined ? undefined : 'the watch call failed';
      const start = { range, afterRevision, unreachable, pass: options.pass ?? ((events) => events) };
      const onEnd: typeof handlers.onEnd = (end) => {
        watches.delete(watch);
        handlers.onEnd(end);
      };
      const watch = watchMemory(backend, start, { ...handlers, onEnd });
      watches.add(watch);
      return watch;
    },
    leaseCalls,
    grantLease: (ttlSeconds, call) =>
      grantKept(leaseCalls, ttlSeconds, { clock, closed: closing.signal, call }),
    status: (callOptions) => memoryStatus(parts, callOptions),
    cutWatches: (why) => {
      for (const watch of watches) watch.cut(why);
    },
    close: async () => {
      for (const watch of watches) watch.close();
      closing.abort();
      await Promise.resolve();
    },
  };
}
