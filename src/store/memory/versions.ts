/** Owns the keys of the store in memory with all their versions. Pure but for its own state; must not know events or leases. */
import { inRange } from '../overlap.ts';
import type { KeyRange, KeyValue } from '../store.ts';

/** Keys with their versions, oldest first; a deletion is a version without an item. */
export interface Versions {
  /** The item as it was at `revision`. */
  readonly find: (key: string, revision: number) => KeyValue | undefined;
  /** Items of the range at `revision`, in key order. */
  readonly at: (range: KeyRange, revision: number) => readonly KeyValue[];
  readonly record: (key: string, item: KeyValue | undefined, revision: number) => void;
  /** Forgets what nobody can see at or after `revision`. */
  readonly forgetBefore: (revision: number) => void;
  /** Forgets what came after `revision`. */
  readonly forgetAfter: (revision: number) => void;
}

interface Version {
  readonly revision: number;
  readonly item: KeyValue | undefined;
}

/** No keys. */
export function createVersions(): Versions {
  const versions = new Map<string, Version[]>();
  const lastIndex = (known: readonly Version[], revision: number): number =>
    known.findLastIndex((version) => version.revision <= revision);
  const find = (key: string, revision: number): KeyValue | undefined =>
    versions.get(key)?.findLast((version) => version.revision <= revision)?.item;
  return {
    find,
    at: (range, revision) =>
      [...versions.keys()]
        .filter((key) => inRange(key, range))
        .toSorted()
        .flatMap((key) => find(key, revision) ?? []),
    record: (key, item, revision) => {
      const known = versions.get(key);
      if (known === undefined) versions.set(key, [{ revision, item }]);
      else known.push({ revision, item });
    },
    forgetBefore: (revision) => {
      for (const [key, known] of versions) {
        known.splice(0, Math.max(0, lastIndex(known, revision)));
        if (known.length === 1 && known[0]?.item === undefined) versions.delete(key);
      }
    },
    forgetAfter: (revision) => {
      for (const [key, known] of versions) {
        known.splice(lastIndex(known, revision) + 1);
        if (known.length === 0) versions.delete(key);
      }
    },
  };
}
