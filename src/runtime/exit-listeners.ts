/** Owns who waits for the ends of a driver's instances: each is told once. */
import type { ExitStatus } from './driver.ts';

type Listener = (exit: ExitStatus) => void;

/** Listeners by instance. */
export interface ExitListeners {
  /** Calls back once; soon, if it has `ended` already. @returns stops listening */
  readonly add: (
    id: string,
    asked: { readonly listener: Listener; readonly ended: ExitStatus | undefined },
  ) => () => void;
  /** It has ended: tells all who wait for it. */
  readonly tell: (id: string, exit: ExitStatus) => void;
}

/** Makes them. */
export function createExitListeners(): ExitListeners {
  const listeners = new Map<string, Set<Listener>>();
  return {
    add: (id, { listener, ended }) => {
      if (ended !== undefined) {
        queueMicrotask(() => listener(ended));
        return () => undefined;
      }
      const mine = listeners.get(id) ?? new Set();
      listeners.set(id, mine.add(listener));
      return () => mine.delete(listener);
    },
    tell: (id, exit) => {
      const waiting = listeners.get(id) ?? [];
      listeners.delete(id);
      for (const listener of waiting) listener(exit);
    },
  };
}
