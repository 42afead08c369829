/**
 * Owns the capacity filter: how much each instance can do, from what it does and how busy that keeps it. Pure.
 *
 * X_i = D_i^φ · n̄_i^(1-φ) is what it does: connections that end where they are short (φ → 1), connections that are there where they are
 * long (φ → 0). X_i ÷ u_i is its capacity. No weight enters, so the estimate cannot swing with the weights. Constants were found by
 * simulation (test/sim): .1 to 1 are alike for the gain, 2 overshoots with long connections.
 */
import type { Signal } from './signals.ts';
import type { Track } from './state.ts';
import { TAU_MS } from './track.ts';

const GAIN = 0.2;
/**
 * In logarithms. What requests cost varies, so that small errors are mostly noise, of a tenth where 16 requests come a second: below `FULL`
 * the gain falls with the error, and noise averages out over a minute while an instance that is slow all of a sudden is still believed in
 * seconds. Larger errors than `MAX` are taken as that.
 */
const FULL_ERROR = 0.5;
const MAX_ERROR = 0.7;
/** Below this use an instance does too little to tell. */
const LEAST_USE = 0.05;
/** Up to this use what an instance does shows how long connections last; above, they queue. */
export const UNSATURATED = 0.9;
/** Above this use a backlog looks like many long connections: only less is believed then. */
const SATURATED = 0.95;
const LEAST_CONNECTIONS = 0.05;
const LEAST_MEAN = 0.01;
const FACTOR_RANGE = [0.02, 50] as const;

/** One instance with its track and the signal of this tick. */
export interface Tracked {
  readonly id: string;
  readonly track: Track;
  readonly signal: Signal | undefined;
}

/** Capacity of an instance, in any unit that is the same for all. */
export const capacityOf = ({ base, factor }: Track): number => base * factor;

/**
 * What part of the connections ends in a second, over the instances that are not saturated.
 * @returns undefined if there is none of which use, rate and connections are known
 */
export function turnoverOf(tracked: readonly Tracked[]): number | undefined {
  let [rates, connections, count] = [0, 0, 0];
  for (const { track } of tracked) {
    const { use, rate, meanConnections } = track;
    if (use === undefined || use >= UNSATURATED || rate === undefined || meanConnections === undefined)
      continue;
    rates += rate;
    connections += meanConnections;
    count += 1;
  }
  return count === 0 || connections === 0
    ? undefined
    : rates / Math.max(connections, LEAST_CONNECTIONS * tracked.length);
}

interface Estimate {
  readonly id: string;
  readonly track: Track;
  /** ln(X / u). */
  readonly estimate: number;
  readonly known: number;
}

function estimateOf({ id, track, signal }: Tracked, phi: number): Estimate | undefined {
  const { use, ended, meanConnections, knownMs } = track;
  if (signal?.cpu === undefined || use === undefined || ended === undefined || meanConnections === undefined)
    return undefined;
  if (knownMs < TAU_MS || use < LEAST_USE) return undefined;
  const done = phi * Math.log(ended) + (1 - phi) * Math.log(Math.max(LEAST_MEAN, meanConnections));
  return { id, track, estimate: done - Math.log(use), known: Math.log(capacityOf(track)) };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function learned({ track }: Estimate, error: number, phi: number): Track {
  const isBacklog = (track.use ?? 0) > SATURATED && error > 0 && phi < 0.5;
  if (isBacklog) return track;
  const gain = GAIN * Math.min(1, Math.abs(error) / FULL_ERROR);
  const step = gain * Math.max(-MAX_ERROR, Math.min(MAX_ERROR, error));
  const [least, most] = FACTOR_RANGE;
  return { ...track, factor: Math.max(least, Math.min(most, track.factor * Math.exp(step))) };
}

/**
 * The tracks after learning, by id; only those that learned. Capacities are relative, so there must be two to compare.
 * @param phi what part of the connections ends within a step
 */
export function learn(tracked: readonly Tracked[], phi: number): ReadonlyMap<string, Track> {
  const estimates = tracked.flatMap((one) => estimateOf(one, phi) ?? []);
  if (estimates.length < 2) return new Map();
  const offset = mean(estimates.map(({ estimate }) => estimate)) - mean(estimates.map(({ known }) => known));
  return new Map(
    estimates.map((one) => [one.id, learned(one, one.estimate - one.known - offset, phi)] as const),
  );
}
