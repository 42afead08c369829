/** Owns a binary heap: the item with the least key first. */

/** Items by key. */
export interface Heap<T> {
  readonly size: () => number;
  /** Least key; infinity if empty. */
  readonly least: () => number;
  readonly push: (key: number, item: T) => void;
  /** Takes the item with the least key. */
  readonly pop: () => T | undefined;
}

/** An empty heap. */
export function createHeap<T>(): Heap<T> {
  const entries: { key: number; item: T }[] = [];
  const keyAt = (at: number): number => entries[at]?.key ?? Number.POSITIVE_INFINITY;
  const siftDown = (entry: { key: number; item: T }): void => {
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const child = keyAt(left + 1) < keyAt(left) ? left + 1 : left;
      const below = entries[child];
      if (below === undefined || below.key >= entry.key) break;
      entries[at] = below;
      at = child;
    }
    entries[at] = entry;
  };
  return {
    size: () => entries.length,
    least: () => keyAt(0),
    push: (key, item) => {
      const entry = { key, item };
      let at = entries.length;
      entries.push(entry);
      while (at > 0) {
        const parent = (at - 1) >> 1;
        const above = entries[parent];
        if (above === undefined || above.key <= key) break;
        entries[at] = above;
        at = parent;
      }
      entries[at] = entry;
    },
    pop: () => {
      const top = entries[0];
      const last = entries.pop();
      if (last !== undefined && entries.length > 0) siftDown(last);
      return top?.item;
    },
  };
}
