/**
 * Owns what is remembered between looks: points of the last minute, peaks of what was recommended, own changes, and that time itself may
 * be wrong (a leader that was paused or is new, a clock that was set). Whatever is in doubt makes fewer wait longer, never sooner. Pure.
 */
import type { ScalingChange, ScalingPoint, ScalingState } from '../model/scaling.ts';
import { isStale, type Look } from './scaling-readings.ts';

/** Points further apart in time are kept; closer ones replace each other, so that many looks within a second do not weigh more. */
const POINT_EVERY_MS = 1_000;
const POINTS_KEPT_MS = 60_000;
/** No look for so long: what happened meanwhile is not known. */
const GAP_MS = 10_000;
/** Clocks drift by less than this from one look to the next. */
const CLOCK_SET_MS = 5_000;
/** Far more than happen within the periods of the limits; a cooldown looks at the last one only. */
const CHANGES_KEPT = 100;
/** Turns of the direction count for so long. */
const REVERSALS_KEPT_MS = 3_600_000;
/** Time constant of what is learned. */
const LEARN_MS = 60_000;
/** Connections that live longer on average say nothing of the load that they will make: what arrives then is not what is worked off. */
const SHORT_LIFE_SECONDS = 15;
/** What is learned is learned at a load where queues are short and the measure is not noise. */
const LEARN_CPU = { from: 0.1, to: 0.9 };

/** Now, on two clocks. */
export interface ScalingNow {
  /** Of whoever decides; never goes back. */
  readonly ms: number;
  /** Milliseconds since 1970. */
  readonly wallMs: number;
}

/** What is seen at a look, besides its measures. */
export interface Seen {
  readonly now: ScalingNow;
  readonly replicas: number;
  /** How long recommendations and changes matter. */
  readonly peaksKeptMs: number;
  readonly changesKeptMs: number;
}

const noState = ({ now, replicas }: Seen): ScalingState => ({
  ms: now.ms,
  wallMs: now.wallMs,
  replicas,
  final: replicas,
  points: [],
  peaks: [{ ms: now.ms, count: replicas }],
  changes: [],
  reversals: [],
});

/**
 * The state of another decider, whose clocks are not ours. What was wanted last counts as wanted until now, since a state is not written at
 * every look; what was wanted before that grows old as it would have.
 * @param ageMs how long ago the state was made, by our clock; less than it was makes fewer wait longer
 */
export function resumed(state: ScalingState, now: ScalingNow, ageMs: number): ScalingState {
  const shift = now.ms - ageMs - state.ms;
  const moved = <T extends { readonly ms: number }>(items: readonly T[]): readonly T[] =>
    items.map((item) => ({ ...item, ms: item.ms + shift }));
  const last = state.peaks.at(-1)?.count ?? state.replicas;
  return {
    ...state,
    ms: now.ms,
    wallMs: now.wallMs,
    points: moved(state.points),
    peaks: withPeak(moved(state.peaks), { ms: now.ms, count: last }),
    changes: moved(state.changes),
    reversals: state.reversals.map((ms) => ms + shift),
  };
}

/** True if something in it lies after the look that it was made at, which cannot be. */
export function isFromFuture({ ms, points, peaks, changes, reversals }: ScalingState): boolean {
  return [...[...points, ...peaks, ...changes].map((one) => one.ms), ...reversals].some((at) => at > ms);
}

/** Peaks with another recommendation: those that are not larger than it can never count again. */
export function withPeak(
  peaks: ScalingState['peaks'],
  next: { readonly ms: number; readonly count: number },
): ScalingState['peaks'] {
  return [...peaks.filter(({ count }) => count > next.count), next];
}

/** True if time did not just pass: paused, or one of the clocks was set. */
function isTimeInDoubt(state: ScalingState, now: ScalingNow): boolean {
  const passedMs = now.ms - state.ms;
  return passedMs > GAP_MS || Math.abs(now.wallMs - state.wallMs - passedMs) > CLOCK_SET_MS;
}

/** Own changes and turns after the number became another one; a change by others only stabilises. */
function afterChange(state: ScalingState, { now, replicas }: Seen): ScalingState {
  if (replicas === state.replicas) return state;
  const isOwn = replicas === state.final;
  if (!isOwn) return { ...state, peaks: withPeak(state.peaks, { ms: now.ms, count: replicas }) };
  const direction = replicas > state.replicas ? 'up' : 'down';
  const turned = state.direction !== undefined && state.direction !== direction;
  const change: ScalingChange = { ms: now.ms, from: state.replicas, to: replicas };
  return {
    ...state,
    direction,
    changes: [...state.changes, change],
    reversals: turned ? [...state.reversals, now.ms] : state.reversals,
  };
}

/** What was remembered, as it counts at this look: without what is too old, with what was seen meanwhile. */
export function recalled(before: ScalingState | undefined, seen: Seen): ScalingState {
  const { now, replicas } = seen;
  if (before === undefined || now.ms < before.ms) return noState(seen);
  const state = afterChange(before, seen);
  const since = <T extends { readonly ms: number }>(items: readonly T[], keptMs: number): readonly T[] =>
    items.filter(({ ms }) => now.ms - ms < keptMs);
  const peaks = since(state.peaks, seen.peaksKeptMs);
  return {
    ...state,
    ms: now.ms,
    wallMs: now.wallMs,
    replicas,
    points: since(state.points, POINTS_KEPT_MS),
    peaks: isTimeInDoubt(before, now) ? withPeak(peaks, { ms: now.ms, count: replicas }) : peaks,
    changes: since(state.changes, seen.changesKeptMs).slice(-CHANGES_KEPT),
    reversals: state.reversals.filter((ms) => now.ms - ms < REVERSALS_KEPT_MS),
  };
}

/** Points with that of this look; it takes the place of one that is less than a second old. */
export function withPoint(points: readonly ScalingPoint[], point: ScalingPoint): readonly ScalingPoint[] {
  const last = points.at(-1);
  if (last === undefined || point.ms - last.ms >= POINT_EVERY_MS) return [...points, point];
  return [...points.slice(0, -1), { ...point, ms: last.ms }];
}

/** The sum of a metric of which nothing is missing. */
function wholeSum({ readings }: ScalingPoint, name: string): number | undefined {
  const reading = readings.find(({ metric }) => metric === name);
  return reading === undefined || isStale(reading) || reading.missing > 0 ? undefined : reading.sum;
}

/**
 * Connections a second that an instance at full load would finish, by Little's law: what came less what stayed, over the load that it
 * took. Undefined if that cannot be seen, or if connections live long.
 */
function capacityNow(before: ScalingPoint | undefined, point: ScalingPoint): number | undefined {
  const [rate, load, held] = ['rate', 'cpu', 'connections'].map((name) => wholeSum(point, name));
  const heldBefore = before === undefined ? undefined : wholeSum(before, 'connections');
  if (rate === undefined || load === undefined || load <= 0) return undefined;
  if (before === undefined || held === undefined || heldBefore === undefined) return undefined;
  const finished = rate - ((held - heldBefore) * 1_000) / (point.ms - before.ms);
  return finished > 0 && held / finished <= SHORT_LIFE_SECONDS ? finished / load : undefined;
}

/** What an instance can do and what it holds, learned slowly while it is neither idle nor full. */
export function learn(
  state: ScalingState,
  { point, cpu }: Look,
): Pick<ScalingState, 'capacity' | 'normalConnections'> {
  const before = state.points.at(-1);
  const passedMs = before === undefined ? 0 : point.ms - before.ms;
  const part = 1 - Math.exp(-passedMs / LEARN_MS);
  const towards = (old: number | undefined, value: number | undefined): number | undefined =>
    old === undefined || value === undefined ? (value ?? old) : old + part * (value - old);
  const isBusy = cpu !== undefined && cpu >= LEARN_CPU.from && passedMs >= POINT_EVERY_MS;
  const isNormal = isBusy && cpu <= LEARN_CPU.to && point.ready > 0;
  const held = isNormal ? wholeSum(point, 'connections') : undefined;
  const capacity = towards(state.capacity, isBusy ? capacityNow(before, point) : undefined);
  const normalConnections = towards(
    state.normalConnections,
    held === undefined ? undefined : held / point.ready,
  );
  return {
    ...(capacity === undefined ? {} : { capacity }),
    ...(normalConnections === undefined ? {} : { normalConnections }),
  };
}
