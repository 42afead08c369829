/** Owns the revisions of the store in memory and the events between them, with etcd's rules. Pure but for its own state. */
import type { Compare, KeyRange, KeyValue, Operation, StoreEvent } from '../store.ts';
import { inRange } from '../overlap.ts';
import { createVersions, type Versions } from './versions.ts';

/** A revisioned map. */
export interface History {
  readonly head: () => number;
  readonly compactedAt: () => number;
  /** Items of the range at `revision` (default: head), in key order. `revision` must be held. */
  readonly at: (range: KeyRange, revision?: number) => readonly KeyValue[];
  readonly find: (key: string) => KeyValue | undefined;
  readonly holds: (compare: Compare) => boolean;
  /** Does all operations under one new revision; the revision stays if nothing changed. Returns the events. */
  readonly apply: (operations: readonly Operation[]) => readonly StoreEvent[];
  /** Events of the range after `revision`, one list per revision. */
  readonly since: (range: KeyRange, revision: number) => readonly (readonly StoreEvent[])[];
  /** Forgets all versions that were overwritten at or before `revision`. */
  readonly compact: (revision: number) => void;
  /** Makes the store what it was at `revision`, as restoring a backup does. */
  readonly setBack: (revision: number) => void;
}

/** The key of an event. */
export const eventKey = (event: StoreEvent): string => (event.kind === 'put' ? event.item.key : event.key);

/** An empty history at revision 1, as a fresh etcd has it. */
export function createHistory(): History {
  const versions = createVersions();
  const log: { readonly revision: number; readonly events: readonly StoreEvent[] }[] = [];
  let head = 1;
  let compacted = 0;
  const logged = (revision: number): number => log.findLastIndex((entry) => entry.revision <= revision) + 1;
  return {
    head: () => head,
    compactedAt: () => compacted,
    at: (range, revision = head) => versions.at(range, revision),
    find: (key) => versions.find(key, head),
    holds: (compare) => holds(compare, versions, head),
    apply: (operations) => {
      const revision = head + 1;
      const events = operations.flatMap((operation) => change(operation, versions, revision));
      if (events.length === 0) return events;
      head = revision;
      log.push({ revision, events });
      return events;
    },
    since: (range, revision) =>
      log
        .slice(logged(revision))
        .map((entry) => entry.events.filter((event) => inRange(eventKey(event), range)))
        .filter((events) => events.length > 0),
    compact: (revision) => {
      compacted = Math.max(compacted, Math.min(revision, head));
      log.splice(0, logged(compacted));
      versions.forgetBefore(compacted);
    },
    setBack: (revision) => {
      head = revision;
      log.splice(logged(revision));
      versions.forgetAfter(revision);
    },
  };
}

function holds(compare: Compare, versions: Versions, head: number): boolean {
  if (compare.kind === 'range-unchanged') {
    return versions.at(compare.range, head).every((item) => item.modRevision <= compare.revision);
  }
  const item = versions.find(compare.key, head);
  const actual = compare.kind === 'mod-revision' ? item?.modRevision : item?.createRevision;
  return (actual ?? 0) === compare.equals;
}

function change(operation: Operation, versions: Versions, revision: number): StoreEvent[] {
  if (operation.kind === 'delete') return remove(operation.key, versions, revision);
  if (operation.kind === 'delete-range') {
    return versions.at(operation.range, revision).flatMap((found) => remove(found.key, versions, revision));
  }
  const before = versions.find(operation.key, revision);
  const item: KeyValue = {
    key: operation.key,
    value: operation.value,
    createRevision: before?.createRevision ?? revision,
    modRevision: revision,
    version: (before?.version ?? 0) + 1,
    ...(operation.lease === undefined ? {} : { lease: operation.lease }),
  };
  versions.record(operation.key, item, revision);
  return [{ kind: 'put', item }];
}

function remove(key: string, versions: Versions, revision: number): StoreEvent[] {
  if (versions.find(key, revision) === undefined) return [];
  versions.record(key, undefined, revision);
  return [{ kind: 'delete', key, revision }];
}
