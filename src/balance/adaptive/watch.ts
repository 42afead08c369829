/** Owns one tick of what the controller remembers: follows all samples of a service and learns from them. Pure. */
import { learn, type Tracked, turnoverOf } from './learn.ts';
import type { Signal } from './signals.ts';
import type { BalanceState, Track } from './state.ts';
import { followTrack, freshTrack, newTrack, restartTrack } from './track.ts';

/** Ticks that come faster (something changed) look at the same samples: nothing is learned twice. */
const LEAST_STEP_MS = 500;
/** After a longer silence samples begin anew: the leader was away, is another one, or its clock jumped. */
const GAP_MS = 30_000;
/** An instance that was there before anybody watched is not new. */
const OLD_MS = 3_600_000;

/** An instance to be watched. */
export interface Watched {
  readonly id: string;
  /** Base weight, ≥ 1. */
  readonly base: number;
  readonly signal: Signal | undefined;
}

/** Geometric mean of what was learned of the others: what a new one is taken for. */
function usualFactor(tracks: readonly Track[]): number {
  if (tracks.length === 0) return 1;
  return Math.exp(tracks.reduce((sum, { factor }) => sum + Math.log(factor), 0) / tracks.length);
}

/** Tracks of exactly these instances; what an admin says anew of one counts more than what was learned of it. */
function present(
  state: BalanceState | undefined,
  watched: readonly Watched[],
): Readonly<Record<string, Track>> {
  const known = state?.tracks ?? {};
  const before = watched.flatMap(({ id }) => known[id] ?? []);
  const factor = usualFactor(before);
  return Object.fromEntries(
    watched.map(({ id, base }) => {
      const track = known[id];
      if (track !== undefined) return [id, track.base === base ? track : { ...track, base, factor }];
      return [id, state === undefined ? newTrack(base, factor, OLD_MS) : freshTrack(base, factor)];
    }),
  );
}

function stepped(state: BalanceState, watched: readonly Watched[], stepMs: number): BalanceState {
  const tracked = watched.flatMap(({ id, signal }): Tracked | readonly [] => {
    const track = state.tracks[id];
    return track === undefined ? [] : { id, signal, track: followTrack(track, signal, stepMs) };
  });
  const fresh = turnoverOf(tracked);
  const turnover = fresh ?? state.turnover;
  // All saturated: what they do is what comes, not what they can.
  const learnedTracks =
    fresh === undefined ? undefined : learn(tracked, 1 - Math.exp((-fresh * stepMs) / 1_000));
  return {
    atMs: state.atMs + stepMs,
    watchedMs: state.watchedMs + stepMs,
    ...(turnover === undefined ? {} : { turnover }),
    tracks: Object.fromEntries(tracked.map(({ id, track }) => [id, learnedTracks?.get(id) ?? track])),
  };
}

/**
 * What is remembered after a tick.
 * @param state undefined: nothing yet
 * @param watched all instances of the service that may get connections
 * @param nowMs monotonic; a jump in either direction is a gap: samples begin anew, what was learned stays
 */
export function watch(
  state: BalanceState | undefined,
  watched: readonly Watched[],
  nowMs: number,
): BalanceState {
  const tracks = present(state, watched);
  const stepMs = state === undefined ? Number.NaN : nowMs - state.atMs;
  if (state !== undefined && stepMs >= 0 && stepMs < LEAST_STEP_MS) return { ...state, tracks };
  if (state !== undefined && stepMs >= LEAST_STEP_MS && stepMs <= GAP_MS)
    return stepped({ ...state, tracks }, watched, stepMs);
  const restarted = Object.entries(tracks).map(([id, track]) => [id, restartTrack(track)] as const);
  // The step of a first look is as short as can be: it only takes the samples over.
  const first: BalanceState = {
    ...(state?.turnover === undefined ? {} : { turnover: state.turnover }),
    tracks: Object.fromEntries(restarted),
    atMs: nowMs - 1,
    watchedMs: -1,
  };
  return stepped(first, watched, 1);
}
