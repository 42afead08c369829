/** Owns one watch of the store in memory: delivery in order, never inside the writer's call. */
import type { StoreEvent, KeyRange, Watch, WatchEnd, WatchHandlers } from '../store.ts';
import type { MemoryBackend, Watcher } from './backend.ts';

/** What may be done to a watch from outside. */
export interface MemoryWatch extends Watch {
  /** Ends it as a broken connection would. */
  readonly cut: (why: string) => void;
}

/** Where a watch begins and what may go wrong on its way. */
export interface MemoryWatchStart {
  readonly range: KeyRange;
  readonly afterRevision: number;
  /** A reason if the server cannot be reached. */
  readonly unreachable: string | undefined;
  /** Hook on the way of events: returns what arrives; none = lost on the way. */
  readonly pass: (events: readonly StoreEvent[]) => readonly StoreEvent[];
}

/** Starts a watch; all handlers are called from microtasks. */
export function watchMemory(
  backend: MemoryBackend,
  start: MemoryWatchStart,
  handlers: WatchHandlers,
): MemoryWatch {
  let ended = false;
  const later = (call: () => void): void => {
    queueMicrotask(() => {
      if (!ended) call();
    });
  };
  const deliver = (events: readonly StoreEvent[]): void => {
    const passed = start.pass(events);
    if (passed.length > 0) later(() => handlers.onEvents(passed));
  };
  const end = (reason: WatchEnd): void => {
    if (ended) return;
    ended = true;
    backend.watchers.delete(watcher);
    queueMicrotask(() => handlers.onEnd(reason));
  };
  const watcher: Watcher = { range: start.range, deliver, end: (why) => end({ kind: 'lost', why }) };
  const gone = startIsGone(backend, start.afterRevision);
  if (start.unreachable !== undefined) end({ kind: 'lost', why: start.unreachable });
  else if (gone !== undefined) end({ kind: 'compacted', why: gone });
  else {
    later(handlers.onReady);
    for (const events of backend.history.since(start.range, start.afterRevision)) deliver(events);
    backend.watchers.add(watcher);
  }
  return { close: () => end({ kind: 'closed' }), cut: (why) => end({ kind: 'lost', why }) };
}

function startIsGone(backend: MemoryBackend, afterRevision: number): string | undefined {
  const { history } = backend;
  if (afterRevision > history.head()) {
    return `the store is at revision ${history.head()}, behind ${afterRevision}: it was set back`;
  }
  if (afterRevision >= history.compactedAt()) return undefined;
  return `revision ${afterRevision} was compacted (at ${history.compactedAt()})`;
}
