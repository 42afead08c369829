/** Owns which keys hang on which lease. Pure but for its own state. */
import type { KeyValue } from '../../store/store.ts';

/** Keys by lease. */
export interface LeaseKeys {
  /** A key is as `after` now; undefined: it is gone. */
  readonly set: (key: string, after: KeyValue | undefined) => void;
  /** Keys of a lease, none for one that is not known. */
  readonly of: (lease: string) => readonly string[];
}

/** No leases. */
export function createLeaseKeys(): LeaseKeys {
  const leaseOf = new Map<string, string>();
  const keysOf = new Map<string, Set<string>>();
  const leave = (key: string): void => {
    const lease = leaseOf.get(key);
    if (lease === undefined) return;
    leaseOf.delete(key);
    const keys = keysOf.get(lease);
    keys?.delete(key);
    if (keys?.size === 0) keysOf.delete(lease);
  };
  return {
    set: (key, after) => {
      const lease = after?.lease;
      if (leaseOf.get(key) === lease) return;
      leave(key);
      if (lease === undefined) return;
      leaseOf.set(key, lease);
      const keys = keysOf.get(lease);
      if (keys === undefined) keysOf.set(lease, new Set([key]));
      else keys.add(key);
    },
    of: (lease) => [...(keysOf.get(lease) ?? [])],
  };
}
