/**
 * Owns the word pace: how long work on much goes on before everything else of its process gets its turn (a server answers thousands beside a
 * list of 10,000 services). Pure: whoever paces is an argument.
 */

/** Asked after each small piece of work: what to wait for before the next, or undefined: go on. */
export type Pace = () => Promise<void> | undefined;

/** Calls `each` with one item after the other, at a pace; without one straight through. */
export async function eachPaced<T>(
  items: Iterable<T>,
  pace: Pace | undefined,
  each: (item: T) => void,
): Promise<void> {
  for (const item of items) {
    each(item);
    const turn = pace?.();
    if (turn !== undefined) await turn;
  }
}

/** All items, made at a pace. */
export async function collectPaced<T>(items: Iterable<T>, pace: Pace | undefined): Promise<readonly T[]> {
  const all: T[] = [];
  await eachPaced(items, pace, (item) => all.push(item));
  return all;
}
