/** Owns bounding how many actions of a kind run at the same time; others wait in line. */

/** Runs an action once a slot is free. */
export type Slots = <T>(action: () => Promise<T>) => Promise<T>;

/** Makes so many. */
export function createSlots(count: number): Slots {
  let free = count;
  const line: (() => void)[] = [];
  return async (action) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => line.push(resolve));
    try {
      return await action();
    } finally {
      const next = line.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
