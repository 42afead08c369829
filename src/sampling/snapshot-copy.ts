/** Owns services and instances as an informer of AGENT_RANGE has them, kept up to date by what changes: only changed records are decoded. */
import type { Snapshot } from '../model/snapshot.ts';
import type { InformerChange } from '../store/informer-options.ts';
import { snapshotOf, type SnapshotView, updateSnapshot } from '../store/snapshot.ts';
import type { KeyValue, StoreEvent } from '../store/store.ts';

/** A copy that changes with an informer. */
export interface SnapshotCopy {
  /** Takes over what changed. @param items of the informer */
  readonly change: (change: InformerChange, items: ReadonlyMap<string, KeyValue>) => void;
  /** The same object as long as no service and no instance changed; undefined before the first listing. */
  readonly snapshot: () => Snapshot | undefined;
}

const isSpecKey = (key: string): boolean => key.startsWith('service/') || key.startsWith('instance/');

/** An empty copy. */
export function createSnapshotCopy(): SnapshotCopy {
  let view: SnapshotView | undefined;
  return {
    snapshot: () => view?.snapshot,
    change: ({ revision, keys, setBack }, items) => {
      if (view === undefined || setBack) {
        view = snapshotOf([...items.values()], revision);
        return;
      }
      const events = keys.filter(isSpecKey).map((key): StoreEvent => {
        const item = items.get(key);
        return item === undefined ? { kind: 'delete', key, revision } : { kind: 'put', item };
      });
      if (events.length > 0) view = updateSnapshot(view, events, revision);
    },
  };
}
