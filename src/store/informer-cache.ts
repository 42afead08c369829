/** Owns the informer's copy of a range at one known revision: replacing it, applying events, noticing lost ones. No I/O, no clock. */
import type { KeyValue, Listing, StoreEvent } from './store.ts';

/** What a batch of events did. `gap`: events were lost on the way; nothing was applied, list again. */
export type Applied =
  | {
      readonly kind: 'applied';
      readonly revision: number;
      readonly keys: readonly string[];
      readonly events: readonly StoreEvent[];
    }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'gap'; readonly why: string };

/** A copy of a range. */
export interface InformerCache {
  /** Changes in place; reads between two calls of the informer see one revision. */
  readonly items: ReadonlyMap<string, KeyValue>;
  readonly revision: () => number;
  /** Takes a listing over and says which keys were added, changed or removed, sorted. */
  readonly replace: (listing: Listing) => readonly string[];
  readonly apply: (events: readonly StoreEvent[]) => Applied;
}

/**
 * An empty copy at revision 0.
 * @param generationKey the key whose version counts the spec writes; a jump tells that events were lost
 */
export function createInformerCache(generationKey: string): InformerCache {
  const items = new Map<string, KeyValue>();
  let revision = 0;
  return {
    items,
    revision: () => revision,
    replace: (listing) => {
      const changed = difference(items, listing.items);
      const known = new Map(items);
      items.clear();
      // What is as it was stays the same object: others may hold it, and two of each would take twice the memory.
      for (const item of listing.items) {
        const before = known.get(item.key);
        items.set(item.key, before !== undefined && isSame(before, item) ? before : item);
      }
      revision = listing.revision;
      return changed;
    },
    apply: (events) => {
      const fresh = events.filter((event) => revisionOf(event) > revision);
      const last = fresh.at(-1);
      if (last === undefined) return { kind: 'nothing' };
      const why = gapIn(fresh, items.get(generationKey), generationKey);
      if (why !== undefined) return { kind: 'gap', why };
      const keys = new Set<string>();
      for (const event of fresh) {
        if (event.kind === 'put') items.set(event.item.key, event.item);
        else items.delete(event.key);
        keys.add(event.kind === 'put' ? event.item.key : event.key);
      }
      revision = revisionOf(last);
      return { kind: 'applied', revision, keys: [...keys].toSorted(), events: fresh };
    },
  };
}

/** The revision of an event. */
const revisionOf = (event: StoreEvent): number =>
  event.kind === 'put' ? event.item.modRevision : event.revision;

const isSame = (a: KeyValue, b: KeyValue): boolean =>
  a.modRevision === b.modRevision &&
  a.createRevision === b.createRevision &&
  a.version === b.version &&
  a.lease === b.lease &&
  a.value === b.value;

/** Values are compared too: a restored store may have given the same revision to another value. */
function difference(before: ReadonlyMap<string, KeyValue>, after: readonly KeyValue[]): readonly string[] {
  const kept = new Set(after.map((item) => item.key));
  const removed = [...before.keys()].filter((key) => !kept.has(key));
  const changed = after.filter((item) => {
    const old = before.get(item.key);
    return old?.modRevision !== item.modRevision || old.value !== item.value;
  });
  return [...removed, ...changed.map((item) => item.key)].toSorted();
}

function gapIn(
  events: readonly StoreEvent[],
  known: KeyValue | undefined,
  generationKey: string,
): string | undefined {
  let version = known?.version ?? 0;
  for (const event of events) {
    if (event.kind === 'delete' && event.key === generationKey) version = 0;
    if (event.kind !== 'put' || event.item.key !== generationKey) continue;
    if (event.item.version !== version + 1) {
      return `the generation went from ${version} to ${event.item.version}: events were lost`;
    }
    version = event.item.version;
  }
  return undefined;
}
