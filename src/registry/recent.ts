/** Owns what changed lately among registrations, for clients that fetch only that. Pure but for its own state: time is an argument. */
import type { Registration } from '../model/registration.ts';

/** What happened to a registration. */
export type RegistryAction = 'ADDED' | 'MODIFIED' | 'DELETED';

/** The last thing that happened to one registration. */
export interface RecentChange {
  readonly action: RegistryAction;
  /** As it is now, or was when it left. */
  readonly registration: Registration;
}

/** Recent changes. */
export interface Recent {
  readonly add: (change: RecentChange, nowMs: number) => void;
  /** Of each registration the last one, in the order in which they happened. */
  readonly list: (nowMs: number) => readonly RecentChange[];
  /** Forgets all: what is known now was read from another history. */
  readonly clear: () => void;
}

/** How long a change is told: the protocol's clients fetch every 30 s, and may miss some fetches (retentionTimeInMSInDeltaQueue). */
export const KEPT_MS = 180_000;

/** Nothing changed. */
export function createRecent(): Recent {
  /** In order of time: what happens again goes to the end. */
  const changes = new Map<string, RecentChange & { readonly atMs: number }>();
  const forgetOld = (nowMs: number): void => {
    for (const [key, { atMs }] of changes) {
      if (nowMs - atMs <= KEPT_MS) return;
      changes.delete(key);
    }
  };
  return {
    add: (change, nowMs) => {
      const key = `${change.registration.app}/${change.registration.id}`;
      changes.delete(key);
      changes.set(key, { ...change, atMs: nowMs });
      forgetOld(nowMs);
    },
    list: (nowMs) => {
      forgetOld(nowMs);
      return [...changes.values()];
    },
    clear: () => changes.clear(),
  };
}
