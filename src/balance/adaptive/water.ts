/** Owns water-filling: which share of the next connections each instance gets so that all are filled to one level. Pure numbers. */

/** An instance as a vessel. */
export interface Vessel {
  /** Its width: what it can do, > 0. */
  readonly capacity: number;
  /** What stands in it: connections that will still be there, ≥ 0. */
  readonly content: number;
}

/**
 * The level L at which Σ max(0, L·c_i - m_i) = amount.
 * @param vessels at least one
 * @param amount > 0
 */
function levelOf(vessels: readonly Vessel[], amount: number): number {
  const sorted = vessels.toSorted((a, b) => a.content / a.capacity - b.content / b.capacity);
  let [capacity, content, level] = [0, 0, 0];
  for (const vessel of sorted) {
    if (capacity > 0 && level <= vessel.content / vessel.capacity) break;
    capacity += vessel.capacity;
    content += vessel.content;
    level = (amount + content) / capacity;
  }
  return level;
}

/**
 * Shares of `amount` that fill all vessels to one level, those that stand above it getting nothing.
 * @param amount connections to hand out, > 0
 * @returns fractions that sum to 1, in the order given; none for no vessels
 */
export function waterShares(vessels: readonly Vessel[], amount: number): readonly number[] {
  const level = levelOf(vessels, amount);
  return vessels.map(({ capacity, content }) => Math.max(0, level * capacity - content) / amount);
}
