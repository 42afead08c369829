/** Owns shares as weights: integers, as few different ones as do, none lost. Pure numbers. */

/** Weights of a service sum to this, or a multiple where that is too coarse; finer ones were no better in simulation. */
const QUANTA = 64;
/** There are so many quanta for an instance, at least: the least share (a tenth of the fair one) is then one. */
const QUANTA_EACH = 10;

/** What the weights of so many instances sum to. */
export const sumOfWeights = (count: number): number => QUANTA * Math.ceil((count * QUANTA_EACH) / QUANTA);

/**
 * Weights ≥ 1 that are nearest to the shares and sum to `sumOfWeights`: each rounded down, the rest to the largest remainders (the earlier
 * one of equals).
 * @param shares fractions that sum to 1
 */
export function integerWeights(shares: readonly number[]): readonly number[] {
  const sum = sumOfWeights(shares.length);
  const exact = shares.map((share) => share * sum);
  const weights = exact.map((value) => Math.max(1, Math.floor(value)));
  const left = sum - weights.reduce((total, weight) => total + weight, 0);
  // Above 0: to those that lost most by rounding. Below 0 (many were lifted to 1): from those that have most over what they should.
  const order = exact
    .map((value, index) => ({ index, over: (weights[index] ?? 0) - value }))
    .toSorted((a, b) => (left > 0 ? a.over - b.over : b.over - a.over) || a.index - b.index);
  return left >= 0 ? give(weights, order, left) : take(weights, order, -left);
}

type Order = readonly { readonly index: number }[];

function give(weights: readonly number[], order: Order, count: number): readonly number[] {
  const lucky = new Set(order.slice(0, count).map(({ index }) => index));
  return weights.map((weight, index) => (lucky.has(index) ? weight + 1 : weight));
}

/** Takes from the largest, one after the other: what is left of them is nearest to their shares. */
function take(weights: readonly number[], order: Order, count: number): readonly number[] {
  const rest = [...weights];
  for (let taken = 0; taken < count; taken += 1) {
    const most = order.reduce(
      (best, { index }) => ((rest[index] ?? 0) > (rest[best] ?? 0) ? index : best),
      0,
    );
    rest[most] = (rest[most] ?? 1) - 1;
  }
  return rest;
}
