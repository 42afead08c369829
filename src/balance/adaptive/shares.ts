/**
 * Owns which share of new connections each instance should get: water-filling over the next moments, within bounds. Pure.
 *
 * Over the horizon H, Λ·H connections come, and of those that an instance has, m_i = n_i - D_i·H are still there. Short ones are gone
 * by then, so that shares follow capacity; long ones are there, so that new ones go where there are fewest, and nothing has to be closed.
 */
import { capacityOf } from './learn.ts';
import type { Track } from './state.ts';
import { type Vessel, waterShares } from './water.ts';

/** H = .5 (T + D): samples come every T = 2 s, weights act D = .5 s later. Longer ones are slower, shorter ones rewrite more. */
const HORIZON_SECONDS = 0.5 * (2 + 0.5);
/** Filled at once is at least this part of all connections: less, and all new ones go to one instance until the next sample. */
const LEAST_PART = 0.2;
/** No instance gets less than this part of its fair share, or nobody would learn that it has recovered. */
const FLOOR = 0.1;
/** So long an instance without samples keeps the share it had; then it gets its fair one. */
const HOLD_SHARE_MS = 30_000;
/** Instances without samples have at most this part of all connections while there are others. */
const MOST_UNKNOWN = 0.9;
const ROUNDS = 3;

/** An instance that gets a share. */
export interface Sharer {
  readonly track: Track;
  /** Share that it has now; 0 of one that has none. */
  readonly live: number;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const isKnown = ({ track }: Sharer): boolean => track.knownMs > 0;

function vesselOf({ track }: Sharer): Vessel {
  const staying = (track.connections ?? 0) - (track.ended ?? 0) * HORIZON_SECONDS;
  return { capacity: capacityOf(track), content: Math.max(0, staying) };
}

/** How many connections are filled in. Where nobody counts new ones, as many as there are: that corrects gently. */
function amountOf(sharers: readonly Sharer[]): number {
  const all = sum(sharers.map(({ track }) => track.meanConnections ?? 0));
  const isCounted = sharers.every(({ track }) => track.rate !== undefined);
  const coming = sum(sharers.map(({ track }) => track.rate ?? 0)) * HORIZON_SECONDS;
  return Math.max(isCounted ? coming : all, LEAST_PART * all, 1);
}

/** Shares before bounds: those without samples keep theirs, the others are filled with what is left. */
function filled(sharers: readonly Sharer[], fair: readonly number[]): readonly number[] {
  const known = sharers.filter(isKnown);
  const kept = sharers.map((sharer, index) => {
    if (isKnown(sharer)) return 0;
    const isHeld = sharer.live > 0 && sharer.track.unknownMs <= HOLD_SHARE_MS;
    return isHeld ? sharer.live : (fair[index] ?? 0);
  });
  if (known.length === 0) return kept;
  const all = sum(kept);
  const unknown = Math.min(all, MOST_UNKNOWN);
  const shares = waterShares(known.map(vesselOf), amountOf(known));
  const shareOf = new Map(known.map((sharer, index) => [sharer, shares[index] ?? 0]));
  return sharers.map((sharer, index) => {
    const share = shareOf.get(sharer);
    return share === undefined ? ((kept[index] ?? 0) / all) * unknown : share * (1 - unknown);
  });
}

/** Most that one may get that came lately: cold caches are slow. */
function ceilingOf({ track }: Sharer, fair: number, slowStartMs: number): number {
  if (track.ageMs >= slowStartMs) return 1;
  return fair * Math.max(FLOOR, track.ageMs / slowStartMs);
}

/**
 * Shares of instances that stand for each other (one service, one IP family), in the order given.
 * @param slowStartMs 0: none
 * @returns fractions > 0 that sum to 1; none for no instances
 */
export function adaptiveShares(sharers: readonly Sharer[], slowStartMs: number): readonly number[] {
  const total = sum(sharers.map(({ track }) => capacityOf(track)));
  const fair = sharers.map(({ track }) => capacityOf(track) / total);
  let shares = filled(sharers, fair);
  for (let round = 0; round < ROUNDS; round += 1) {
    const bounded = shares.map((share, index) => {
      const own = fair[index] ?? 0;
      const sharer = sharers[index];
      const ceiling = sharer === undefined ? 1 : ceilingOf(sharer, own, slowStartMs);
      return Math.max(FLOOR * own, Math.min(ceiling, share));
    });
    const all = sum(bounded);
    shares = bounded.map((share) => share / all);
  }
  return shares;
}
