/** Owns chance in simulations: one seed, one course of events. */

/** Numbers in [0, 1). */
export type Random = () => number;

/** A generator of 32 bits of state (mulberry32, T. Ettinger, public domain): fast, and even enough for queues. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A way to draw lengths of work or life. */
export type Distribution = (random: Random) => number;

/** Exponential with this mean. */
export const exponential =
  (mean: number): Distribution =>
  (random) =>
    -Math.log(1 - random()) * mean;

/** Numbers with mean 0 and deviation 1 (Box and Muller 1958). */
export const gaussian: Distribution = (random) =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Log-normal with this mean; sigma of the logarithm is 1. */
export const logNormal =
  (mean: number): Distribution =>
  (random) =>
    mean * Math.exp(gaussian(random) - 0.5);

/** Bounded Pareto of shape 1.5 about this mean, from .34 to 100 times it: few very long ones. */
export const pareto =
  (mean: number): Distribution =>
  (random) => {
    const shape = 1.5;
    const [low, high] = [(mean * 0.34) ** shape, (mean * 100) ** shape];
    const u = random();
    return ((high - u * (high - low)) / (low * high)) ** (-1 / shape);
  };
