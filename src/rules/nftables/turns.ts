/**
 * Owns the exact spread: which connections a rule takes, by counting instead of chance. A rule `numgen inc mod R` counts the connections
 * that reach it and takes w in every R of them; those it leaves reach the next rule in full, so that rules with counters of their own
 * compose: whatever reaches rule i is divided w_i : rest exactly, again and again. Pure.
 */

/** Takes `count` in a row of every `modulus` connections that reach it. */
export interface Turn {
  readonly modulus: number;
  readonly count: number;
}

/**
 * A turn is off its share by at most count × (modulus - count) / modulus connections at any moment. Up to this a share is one turn; above,
 * it would take long runs of connections, and is made of several short turns instead.
 */
const MAX_OFF = 2.5;
/** Turns of one share at most; what is then left of it is below 2^-31 of the connections, or as good as. */
const MAX_TURNS = 5;
const SMALLEST_REST = 2 ** -31;
/** Keeps 1 / (1 / 3) from being above 3 by rounding. */
const ROUNDING = 1e-9;

function greatestCommonDivisor(a: number, b: number): number {
  let [large, small] = [a, b];
  while (small > 0) [large, small] = [small, large % small];
  return large;
}

/** The largest short turn that does not take more than a share: 1 in m, or all but 1 in m. */
function shortTurn(share: number): Turn {
  if (share <= 0.5) return { modulus: Math.ceil(1 / share - ROUNDING), count: 1 };
  const modulus = Math.floor(1 / (1 - share) + ROUNDING);
  return { modulus, count: modulus - 1 };
}

/**
 * Turns that together take the share weight / total of what reaches the first of them: one if that is even enough, else a greedy expansion
 * into short ones, each taking as much as it can of the share that is left of what is left.
 * @param weight integer ≥ 1, below `total`
 * @param total integer, weights of all instances not yet passed, this one's included
 */
export function turnsOf(weight: number, total: number): readonly Turn[] {
  const divisor = greatestCommonDivisor(weight, total);
  const [count, modulus] = [weight / divisor, total / divisor];
  if ((count * (modulus - count)) / modulus <= MAX_OFF) return [{ modulus, count }];
  const turns: Turn[] = [];
  let share = count / modulus;
  while (turns.length < MAX_TURNS && share > SMALLEST_REST) {
    const turn = shortTurn(share);
    const taken = turn.count / turn.modulus;
    turns.push(turn);
    share = (share - taken) / (1 - taken);
  }
  return turns;
}

/** 32 bits of FNV-1a: spreads phases, guards nothing. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) >>> 0;
}

const rangeText = (first: number, last: number): string =>
  first === last ? String(first) : `${first}-${last}`;

/**
 * The match of a turn. A fresh counter begins at 0, so the phase says after how many connections a rule takes its first; it differs by node
 * and by rewrite, so that neither a fleet nor a service that is rewritten often begins at the same instance. All phases are alike: where a
 * turn goes on from the last number to 0, the rule says which it leaves out. Else the first connection after a rewrite would go to a
 * newcomer too seldom, and where rewrites are more frequent than connections it would hardly get any.
 * @param seed anything that tells this rule from others; undefined for phase 0
 */
export function turnMatch({ modulus, count }: Turn, seed: string | undefined): string {
  const first = seed === undefined ? 0 : hash32(seed) % modulus;
  const end = first + count;
  const numbers = end <= modulus ? rangeText(first, end - 1) : `!= ${rangeText(end - modulus, first - 1)}`;
  return `numgen inc mod ${modulus} ${numbers}`;
}
