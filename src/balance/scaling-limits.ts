/**
 * Owns what stands between what is wanted and what is done (notes on scaling, 3.3): bounds, growth and shrink per period, stabilisation,
 * cooldowns, and a budget of turns. Pure.
 */
import type { ScalingPolicy } from '../model/policy-scaling.ts';
import type { ScalingLimiter, ScalingState } from '../model/scaling.ts';

/** At most twice as many, or four more, within 15 s (as the HPA's default, with its counting from the period's start). */
const UP_PERIOD_MS = 15_000;
const UP_FACTOR = 2;
const UP_STEP = 4;
/** At most a quarter fewer, but one always, within 30 s. */
const DOWN_PERIOD_MS = 30_000;
const DOWN_SHARE = 0.25;
/** So many turns within an hour, and fewer wait for half an hour after the last. */
const TURNS = 6;
const TURNS_REST_MS = 30 * 60_000;

/** The longest that a change matters to a limit. */
export function changesKeptMs({ cooldownUpSeconds, cooldownDownSeconds }: ScalingPolicy): number {
  return Math.max(UP_PERIOD_MS, DOWN_PERIOD_MS, cooldownUpSeconds * 1_000, cooldownDownSeconds * 1_000);
}

/** What became of what was wanted. */
export interface Limited {
  readonly final: number;
  readonly limiter: ScalingLimiter;
  /** The same wish may become something else in so many milliseconds. */
  readonly nextMs?: number | undefined;
}

type Direction = 'up' | 'down';

/** Own changes in this direction since then. */
function changed({ changes, ms: nowMs }: ScalingState, direction: Direction, periodMs: number) {
  return changes.filter(
    ({ ms, from, to }) => nowMs - ms < periodMs && (direction === 'up' ? to > from : to < from),
  );
}

/** As many as there were when the period began, so that what was added within it is no start for more. */
function periodStart(state: ScalingState): number {
  return changed(state, 'up', UP_PERIOD_MS).reduce(
    (start, { from, to }) => start - (to - from),
    state.replicas,
  );
}

function leftMs(state: ScalingState, direction: Direction, ms: number): number {
  const last = changed(state, direction, ms).at(-1);
  return last === undefined ? 0 : last.ms + ms - state.ms;
}

function cooldown(state: ScalingState, direction: Direction, seconds: number): Limited | undefined {
  const nextMs = leftMs(state, direction, seconds * 1_000);
  if (nextMs <= 0) return undefined;
  return { final: state.replicas, limiter: { kind: 'cooldown', direction, seconds }, nextMs };
}

/** More: at once, but not without bounds. */
function up(want: number, state: ScalingState, policy: ScalingPolicy): Limited {
  const { replicas } = state;
  const { max, cooldownUpSeconds } = policy;
  if (replicas >= max) return { final: replicas, limiter: { kind: 'max', max } };
  const waiting = cooldown(state, 'up', cooldownUpSeconds);
  if (waiting !== undefined) return waiting;
  const start = periodStart(state);
  const most = Math.max(replicas, UP_FACTOR * start, start + UP_STEP);
  if (Math.min(want, max) > most) {
    const periodSeconds = UP_PERIOD_MS / 1_000;
    const oldest = changed(state, 'up', UP_PERIOD_MS)[0];
    const nextMs = oldest === undefined ? UP_PERIOD_MS : oldest.ms + UP_PERIOD_MS - state.ms;
    return { final: most, limiter: { kind: 'rate', direction: 'up', periodSeconds }, nextMs };
  }
  return want > max
    ? { final: max, limiter: { kind: 'max', max } }
    : { final: want, limiter: { kind: 'none' } };
}

/** Why fewer must wait whatever the number, or undefined. */
function refusal(state: ScalingState, policy: ScalingPolicy): Limited | undefined {
  const last = state.reversals.at(-1);
  const restMs = last === undefined ? 0 : last + TURNS_REST_MS - state.ms;
  if (state.reversals.length >= TURNS && restMs > 0) {
    const limiter = { kind: 'flapping', reversals: state.reversals.length } as const;
    return { final: state.replicas, limiter, nextMs: restMs };
  }
  return cooldown(state, 'down', policy.cooldownDownSeconds);
}

/** A quarter fewer at most; the period begins with a step, so that two looks in it cannot take two quarters. */
function shrink(to: number, state: ScalingState, limiter: ScalingLimiter): Limited {
  const { replicas } = state;
  const periodSeconds = DOWN_PERIOD_MS / 1_000;
  const rate = { kind: 'rate', direction: 'down', periodSeconds } as const;
  const restMs = leftMs(state, 'down', DOWN_PERIOD_MS);
  if (restMs > 0) return { final: replicas, limiter: rate, nextMs: restMs };
  const least = replicas - Math.max(1, Math.floor(replicas * DOWN_SHARE));
  return to < least ? { final: least, limiter: rate, nextMs: DOWN_PERIOD_MS } : { final: to, limiter };
}

/** Fewer: only as few as were enough for all of the time that the policy says. */
function down(want: number, state: ScalingState, policy: ScalingPolicy): Limited {
  const { replicas, peaks, ms } = state;
  const peak = peaks[0];
  if (peak !== undefined && peak.count >= replicas) {
    const agoSeconds = Math.round((ms - peak.ms) / 1_000);
    const nextMs = peak.ms + policy.downAfterSeconds * 1_000 - ms;
    return { final: replicas, limiter: { kind: 'stabilised', count: peak.count, agoSeconds }, nextMs };
  }
  const waiting = refusal(state, policy);
  if (waiting !== undefined) return waiting;
  const least = Math.max(want, policy.min);
  if (peak !== undefined && peak.count > least) {
    const agoSeconds = Math.round((ms - peak.ms) / 1_000);
    return shrink(peak.count, state, { kind: 'stabilised', count: peak.count, agoSeconds });
  }
  return shrink(least, state, want < policy.min ? { kind: 'min', min: policy.min } : { kind: 'none' });
}

/**
 * What becomes of a wish, when what is there is within the bounds.
 * @param state as of this look, with the wish among its peaks
 */
export function limited(want: number, state: ScalingState, policy: ScalingPolicy): Limited {
  const { replicas } = state;
  if (want > replicas) return up(want, state, policy);
  if (want < replicas && replicas <= policy.min)
    return { final: replicas, limiter: { kind: 'min', min: policy.min } };
  return want < replicas ? down(want, state, policy) : { final: replicas, limiter: { kind: 'tolerance' } };
}

/**
 * What the bounds ask for when what is there is outside of them: people said so, so it needs no measure; undefined if it is within.
 */
export function bounded(state: ScalingState, policy: ScalingPolicy): Limited | undefined {
  const { replicas } = state;
  const { min, max } = policy;
  if (replicas < min) return { final: min, limiter: { kind: 'min', min } };
  return replicas > max ? shrink(max, state, { kind: 'max', max }) : undefined;
}
