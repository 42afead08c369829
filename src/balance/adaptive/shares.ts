/**
 * Owns which share of new connections each instance should get: water-filling of the next moments, within bounds. Pure.
 *
 * Short connections are gone by then, so that shares follow capacity; long ones are still there, so that new ones go where there are
 * fewest, and nothing has to be closed.
 */
import { capacityOf, UNSATURATED } from './learn.ts';
import type { Track } from './state.ts';
import { amountOf, vesselsOf } from './vessels.ts';
import { waterShares } from './water.ts';

/** No instance gets less than this part of its fair share, or nobody would learn that it has recovered. */
export const FLOOR = 0.1;
/** So long an instance without samples keeps the share it had; then it gets its fair one. */
const HOLD_SHARE_MS = 30_000;
/** Instances without samples have at most this part of all connections while there are others. */
const MOST_UNKNOWN = 0.9;
/** From this use on the old ones need the new ones. */
const BUSY = 0.8;
/** Bounds and their sum are brought together in so many rounds. */
const ROUNDS = 3;

/** An instance that gets a share. */
export interface Sharer {
  readonly track: Track;
  /** Share that it has now; 0 of one that has none. */
  readonly live: number;
}

/** What holds for all of them. */
export interface ShareOptions {
  /** Part of the connections that ends in a second, if known. */
  readonly turnover: number | undefined;
  /** So long a new instance gets less than its fair share; 0: not at all. */
  readonly slowStartMs: number;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const isKnown = ({ track }: Sharer): boolean => track.knownMs > 0;

/** Shares before bounds: those without samples keep theirs, the others are filled with what is left. */
function filled(
  sharers: readonly Sharer[],
  fair: readonly number[],
  turnover: number | undefined,
): readonly number[] {
  const kept = sharers.map((sharer, index) => {
    if (isKnown(sharer)) return 0;
    const isHeld = sharer.live > 0 && sharer.track.unknownMs <= HOLD_SHARE_MS;
    return isHeld ? sharer.live : (fair[index] ?? 0);
  });
  const known = sharers.filter(isKnown);
  if (known.length === 0) return kept;
  const all = sum(kept);
  const unknown = Math.min(all, MOST_UNKNOWN);
  const tracks = known.map(({ track }) => track);
  const shares = waterShares(vesselsOf(tracks, turnover), amountOf(tracks));
  const shareOf = new Map(known.map((sharer, index) => [sharer, shares[index] ?? 0]));
  return sharers.map((sharer, index) => {
    const share = shareOf.get(sharer);
    return share === undefined ? ((kept[index] ?? 0) / all) * unknown : share * (1 - unknown);
  });
}

/**
 * How much the new ones are needed, 0 to 1: not at all while those that came long ago have room, wholly if they can do no more. Sparing a
 * new one then costs more than its cold caches do.
 */
function urgencyOf(sharers: readonly Sharer[], slowStartMs: number): number {
  const old = sharers
    .map(({ track }) => track)
    .filter(({ ageMs, use }) => ageMs >= slowStartMs && use !== undefined);
  const busy = sum(old.map((track) => capacityOf(track) * (track.use ?? 0)));
  if (old.length === 0) return 0;
  const use = busy / sum(old.map(capacityOf));
  return Math.max(0, Math.min(1, (use - BUSY) / (UNSATURATED - BUSY)));
}

/**
 * Most that one may get that has just come, whose caches are cold: its fair share of new connections or of all that there are, either times
 * the part of the slow start that is over, or how much it is needed. Long connections are little work in a moment, so the second lets it have them sooner.
 */
function ceilingOf(track: Track, fair: number, { ramp, all, amount }: Ramp): number {
  const reached = Math.max(FLOOR, ramp);
  const missing = fair * reached * all - (track.connections ?? 0);
  return Math.max(fair * reached, missing / amount);
}

interface Ramp {
  /** Part of the slow start that is over or is needed to be over, 0 to 1. */
  readonly ramp: number;
  /** Connections that there are, and that are to be handed out. */
  readonly all: number;
  readonly amount: number;
}

interface Bound {
  readonly least: number;
  readonly most: number;
}

function boundsOf(
  sharers: readonly Sharer[],
  fair: readonly number[],
  slowStartMs: number,
): readonly Bound[] {
  const tracks = sharers.map(({ track }) => track);
  const urgency = urgencyOf(sharers, slowStartMs);
  const all = sum(tracks.map(({ meanConnections }) => meanConnections ?? 0));
  const amount = amountOf(tracks);
  return tracks.map((track, index) => {
    const own = fair[index] ?? 0;
    const isNew = track.ageMs < slowStartMs && urgency < 1;
    const ramp = Math.max(urgency, track.ageMs / slowStartMs);
    return { least: FLOOR * own, most: isNew ? ceilingOf(track, own, { ramp, all, amount }) : 1 };
  });
}

/**
 * Shares of instances that stand for each other (one service, one IP family), in the order given.
 * @returns fractions > 0 that sum to 1; none for no instances
 */
export function adaptiveShares(
  sharers: readonly Sharer[],
  { turnover, slowStartMs }: ShareOptions,
): readonly number[] {
  const total = sum(sharers.map(({ track }) => capacityOf(track)));
  const fair = sharers.map(({ track }) => capacityOf(track) / total);
  const bounds = boundsOf(sharers, fair, slowStartMs);
  let shares = filled(sharers, fair, turnover);
  for (let round = 0; round < ROUNDS; round += 1) {
    const bounded = bounds.map(({ least, most }, index) =>
      Math.max(least, Math.min(most, shares[index] ?? 0)),
    );
    const all = sum(bounded);
    shares = bounded.map((share) => share / all);
  }
  return shares;
}
