/**
 * Owns a read-only map that is cheap to derive from another: a shared base with a small layer of changes on top. Copying a map of 10,000
 * services for every update costs milliseconds (measured: 7 ms of processor for two of them); copying the layer costs microseconds.
 */

/** Changes kept on top of the base before both are merged into a new base: the cost of a merge is spread over so many changes. */
const MAX_LAYER = 256;

/** A change of one key; undefined = deleted. */
export type MapChanges<V> = ReadonlyMap<string, V | undefined>;

/** An immutable map by text. Keys of the base come first, in its order, then new ones. */
export class LayeredMap<V extends object> implements ReadonlyMap<string, V> {
  readonly size: number;
  private readonly base: ReadonlyMap<string, V>;
  private readonly layer: MapChanges<V>;

  private constructor(base: ReadonlyMap<string, V>, layer: MapChanges<V>, size: number) {
    this.base = base;
    this.layer = layer;
    this.size = size;
  }

  /** The map after changes; `map` itself stays as it is. */
  static with<V extends object>(map: ReadonlyMap<string, V>, changes: MapChanges<V>): ReadonlyMap<string, V> {
    if (changes.size === 0) return map;
    if (map.size === 0) return newMap(changes);
    const before = isLayered(map) ? map : new LayeredMap<V>(map, new Map(), map.size);
    let { size } = before;
    for (const [key, value] of changes) size += Number(value !== undefined) - Number(before.has(key));
    const after = new LayeredMap<V>(before.base, new Map([...before.layer, ...changes]), size);
    return after.layer.size > MAX_LAYER ? new Map(after) : after;
  }

  /**
   * The keys whose values differ, if both maps were derived from one base since it was made; undefined if only a comparison of all keys
   * could tell.
   */
  static changedKeys<V extends object>(
    before: ReadonlyMap<string, V>,
    after: ReadonlyMap<string, V>,
  ): readonly string[] | undefined {
    if (before === after) return [];
    const [left, right] = [before, after].map((map) =>
      isLayered(map) ? map : new LayeredMap<V>(map, new Map(), map.size),
    );
    if (left === undefined || left.base !== right?.base) return undefined;
    const keys = new Set([...left.layer.keys(), ...right.layer.keys()]);
    return [...keys].filter((key) => before.get(key) !== after.get(key));
  }

  get(key: string): V | undefined {
    return this.layer.has(key) ? this.layer.get(key) : this.base.get(key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  *entries(): Generator<[string, V], undefined> {
    for (const [key, value] of this.base) {
      const now = this.layer.has(key) ? this.layer.get(key) : value;
      if (now !== undefined) yield [key, now];
    }
    for (const [key, value] of this.layer) {
      if (value !== undefined && !this.base.has(key)) yield [key, value];
    }
    return undefined;
  }

  *keys(): Generator<string, undefined> {
    for (const [key] of this.entries()) yield key;
    return undefined;
  }

  *values(): Generator<V, undefined> {
    for (const [, value] of this.entries()) yield value;
    return undefined;
  }

  [Symbol.iterator](): Generator<[string, V], undefined> {
    return this.entries();
  }

  forEach(visit: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this.entries()) visit(value, key, this);
  }
}

/** Changes of nothing. */
function newMap<V extends object>(changes: MapChanges<V>): ReadonlyMap<string, V> {
  const map = new Map<string, V>();
  for (const [key, value] of changes) if (value !== undefined) map.set(key, value);
  return map;
}

function isLayered<V extends object>(map: ReadonlyMap<string, V>): map is LayeredMap<V> {
  return map instanceof LayeredMap;
}
