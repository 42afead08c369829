/** Owns following the samples of one instance: smoothing, and what to do when one is missing. Pure. */
import type { Signal } from './signals.ts';
import type { Track } from './state.ts';

/** Time constant of all smoothing. */
export const TAU_MS = 5_000;
/** So long a rate is held when fewer nodes count than before: counters begin anew when rules are rewritten, and miss a sample then. */
const HOLD_RATE_MS = 10_000;
/** So long the first sample of a new instance may take: two beats. */
const FIRST_SAMPLE_MS = 4_000;
/** Least rate at which connections are taken to end: logarithms are taken of it. */
const LEAST_ENDED = 0.01;

/** A track that knows nothing yet. */
export function newTrack(base: number, factor: number, ageMs: number): Track {
  return { base, factor, ageMs, knownMs: 0, unknownMs: 0, uncountedMs: 0, counters: 0 };
}

/** A track of an instance that has just come: it has no connections, nobody need ask. */
export const freshTrack = (base: number, factor: number): Track => ({
  ...newTrack(base, factor, 0),
  knownMs: 1,
  connections: 0,
});

/** Exponential smoothing over a step of time; the first value as it is. */
function smooth(before: number | undefined, value: number, stepMs: number): number {
  return before === undefined ? value : before + (1 - Math.exp(-stepMs / TAU_MS)) * (value - before);
}

type Rate = Pick<Track, 'rate' | 'counters' | 'uncountedMs'>;

function followRate(track: Track, signal: Signal, stepMs: number): Rate {
  const { rate, counters } = signal;
  const isWhole = rate !== undefined && counters >= track.counters;
  if (isWhole) return { rate: smooth(track.rate, rate, stepMs), counters, uncountedMs: 0 };
  const uncountedMs = track.uncountedMs + stepMs;
  if (uncountedMs <= HOLD_RATE_MS) return { rate: track.rate, counters: track.counters, uncountedMs };
  return {
    rate: rate === undefined ? undefined : smooth(track.rate, rate, stepMs),
    counters,
    uncountedMs: rate === undefined ? uncountedMs : 0,
  };
}

/** What is left of a track when its samples end: what was learned, and for how long it has been silent. */
function forget(track: Track, stepMs: number): Track {
  const { base, factor } = track;
  return { ...newTrack(base, factor, track.ageMs + stepMs), unknownMs: track.unknownMs + stepMs };
}

/** The track after a gap in the ticks: samples begin anew, what was learned stays. */
export const restartTrack = (track: Track): Track => newTrack(track.base, track.factor, track.ageMs);

/**
 * The track after another tick.
 * @param signal undefined: no fresh sample of it; without connections it counts as none
 * @param stepMs time since the tick before, > 0
 */
export function followTrack(track: Track, signal: Signal | undefined, stepMs: number): Track {
  const connections = signal?.connections;
  if (signal === undefined || connections === undefined) {
    const isFresh = track.knownMs > 0 && track.ageMs < FIRST_SAMPLE_MS;
    return isFresh ? { ...track, ageMs: track.ageMs + stepMs } : forget(track, stepMs);
  }
  const { base, factor } = track;
  const rate = followRate(track, signal, stepMs);
  const meanConnections = smooth(track.meanConnections, connections, stepMs);
  const growth = ((meanConnections - (track.meanConnections ?? meanConnections)) / stepMs) * 1_000;
  return {
    base,
    factor,
    ageMs: track.ageMs + stepMs,
    knownMs: track.knownMs + stepMs,
    unknownMs: 0,
    ...rate,
    // Without a value now the smoothed one stays; nothing is learned from it meanwhile (learn.ts asks for the signal).
    use: signal.cpu === undefined ? track.use : smooth(track.use, signal.cpu, stepMs),
    connections,
    meanConnections,
    ended: rate.rate === undefined ? undefined : Math.max(LEAST_ENDED, rate.rate - growth),
  };
}
