/** Owns parts of a large table that are read only when somebody asks for them. */

/** Parts by name. */
export interface Lazy<T> {
  /** The part, if it was read; else undefined, and it is read by the next `load`. */
  readonly get: (name: string) => T | undefined;
  /** Reads what was asked for meanwhile; true if there was anything. */
  readonly load: () => Promise<boolean>;
}

/** Parts that `read` gives. What it cannot give is asked for once. */
export function lazily<T>(read: (name: string) => Promise<T | undefined>): Lazy<T> {
  const known = new Map<string, T | undefined>();
  const wanted = new Set<string>();
  return {
    get: (name) => {
      if (!known.has(name)) wanted.add(name);
      return known.get(name);
    },
    load: async () => {
      const names = [...wanted];
      wanted.clear();
      await Promise.all(names.map(async (name) => known.set(name, await read(name))));
      return names.length > 0;
    },
  };
}
