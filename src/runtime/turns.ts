/** Owns taking turns: of one key, one action at a time, in the order of the calls. */

/** Turns by key. */
export interface Turns {
  readonly take: <T>(key: string, action: () => Promise<T>) => Promise<T>;
}

/** Makes them. */
export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  return {
    take: <T>(key: string, action: () => Promise<T>): Promise<T> => {
      const mine = (last.get(key) ?? Promise.resolve()).then(action);
      const ended = mine
        .catch(() => undefined)
        .finally(() => {
          if (last.get(key) === ended) last.delete(key);
        });
      last.set(key, ended);
      return mine;
    },
  };
}
