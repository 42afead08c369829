/**
 * Owns how many instances each metric asks for (notes on scaling, 3.3): demand in units of instances at their target, over a fast and a slow
 * window, rather than a ratio of means, so that instances which start or vanish do not distort it. Pure.
 */
import type { ScalingMetric } from '../model/policy-scaling.ts';
import type { ScalingPoint, ScalingProposal, ScalingReading, ScalingState } from '../model/scaling.ts';
import { isStale } from './scaling-readings.ts';

/** The fast window of averages; the slow one is all that is remembered, a minute. */
const FAST_MS = 6_000;
/** More only if the need is above this share of what is there, fewer only below that one. */
const UP_ABOVE = 1.1;
const DOWN_BELOW = 0.8;
/** What waits should be worked off within so many seconds. */
const WORK_OFF_SECONDS = 15;
/** A saturated service cannot show its need: it grows by half of what is ready, not of what starts, so that it does not compound. */
const SATURATED_GROWTH = 1.5;
/** It is saturated if it was so for at least this long. */
const SATURATED_MS = 4_000;
/** A program without work still burns a little: so few instances' worth of processor is none, where none are allowed. */
const IDLE = 0.1;
/** Less is rounding. */
const EPSILON = 1e-9;

/** What needs are made of. */
export interface NeedInput {
  /** Points of the last minute, the last of this look. */
  readonly points: readonly ScalingPoint[];
  readonly learned: Pick<ScalingState, 'capacity' | 'normalConnections'>;
  /** As many are asked for now. */
  readonly replicas: number;
}

const within = (points: readonly ScalingPoint[], windowMs: number): readonly ScalingPoint[] => {
  const last = points.at(-1)?.ms ?? 0;
  return points.filter(({ ms }) => ms > last - windowMs);
};

const readingOf = ({ readings }: ScalingPoint, metric: string): ScalingReading | undefined =>
  readings.find((reading) => reading.metric === metric);

/** Means of a window: what was seen, and of how many instances nothing was. Stale points say nothing. */
function meanOver(
  points: readonly ScalingPoint[],
  metric: string,
): { readonly sum: number; readonly missing: number } {
  let [sum, missing, count] = [0, 0, 0];
  for (const point of points) {
    const reading = readingOf(point, metric);
    if (reading === undefined || isStale(reading)) continue;
    sum += reading.sum;
    missing += reading.missing;
    count += 1;
  }
  return count === 0 ? { sum, missing } : { sum: sum / count, missing: missing / count };
}

/** Connections that wait, above those that a service without a queue has, in instances that work them off in time. */
function backlogNeed({ points, learned }: NeedInput, target: number): number {
  const point = points.at(-1);
  if (point === undefined || learned.capacity === undefined || learned.capacity <= 0) return 0;
  const { normalConnections } = learned;
  const connections = readingOf(point, 'connections')?.sum ?? 0;
  const above =
    point.isSaturated && normalConnections !== undefined ? connections - normalConnections * point.ready : 0;
  return Math.max(point.backlog, above) / (learned.capacity * WORK_OFF_SECONDS * target);
}

/**
 * Load of a saturated service by what arrives, in instances: its processors cannot show more than they are, but what a connection costs them is
 * known. 0 if it is not saturated now, or that is not known.
 */
function arrivingLoad({ points, learned: { capacity } }: NeedInput): number {
  const saturated = points.filter(({ isSaturated }) => isSaturated);
  if (points.at(-1)?.isSaturated !== true || capacity === undefined || capacity <= 0) return 0;
  return meanOver(saturated, 'rate').sum / capacity;
}

const whole = (need: number): number => Math.max(0, Math.ceil(need - EPSILON));

/** What a metric asks for that needs so many by what speaks for more, and so many by what speaks for fewer. */
function wanted(up: number, down: number, replicas: number): number {
  if (up > replicas * UP_ABOVE) return whole(up);
  return down < replicas * DOWN_BELOW ? whole(down) : replicas;
}

/** Saturated in every look of the fast window, and for long enough. */
function isBlind(fast: readonly ScalingPoint[]): boolean {
  const since = (fast.at(-1)?.ms ?? 0) - (fast[0]?.ms ?? 0);
  return since >= SATURATED_MS && fast.every((point) => point.isSaturated);
}

/** A silent instance is taken as idle when more are asked for, and as full when fewer are. */
function proposal(metric: ScalingMetric, input: NeedInput): ScalingProposal {
  const { name, target, kind } = metric;
  const { points, replicas } = input;
  const now = points.at(-1);
  const reading = now === undefined ? undefined : readingOf(now, name);
  if (now === undefined || reading === undefined || isStale(reading))
    return { metric: name, target, isStale: true, value: 0, needFast: 0, needSlow: 0, want: replicas };
  const window = within(points, FAST_MS);
  const [fast, slow] = [meanOver(window, name), meanOver(points, name)];
  const isCpu = kind === 'cpu';
  const extra = isCpu ? backlogNeed(input, target) : 0;
  const blind = isCpu && isBlind(window) ? SATURATED_GROWTH * now.ready : 0;
  const load = Math.max(fast.sum, isCpu ? arrivingLoad({ ...input, points: window }) : 0);
  const needFast = Math.max(load / target + extra, blind);
  const full = isCpu ? 1 : target;
  const most = Math.max(fast.sum + fast.missing * full, slow.sum + slow.missing * full);
  const needAtLeast = Math.max(needFast, most / target + extra);
  const want = wanted(needFast, isCpu && needAtLeast < IDLE ? 0 : needAtLeast, replicas);
  const needSlow = slow.sum / target;
  return { metric: name, target, isStale: false, value: valueOf(metric, window), needFast, needSlow, want };
}

/** Mean of the window as people know the metric: of an instance, or of the service if it is measured as a total. */
function valueOf(metric: ScalingMetric, points: readonly ScalingPoint[]): number {
  const isTotal = 'as' in metric && metric.as === 'total';
  const values = points.flatMap((point) => {
    const reading = readingOf(point, metric.name);
    if (reading === undefined || isStale(reading)) return [];
    return [isTotal ? reading.sum : reading.sum / Math.max(1, point.ready - reading.missing)];
  });
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

/** What each metric asks for. */
export function proposals(metrics: readonly ScalingMetric[], input: NeedInput): readonly ScalingProposal[] {
  return metrics.map((metric) => proposal(metric, input));
}

/**
 * What they ask for together: the most of those that can be believed; fewer only when all can be believed and all say so.
 * @returns undefined if none can be believed
 */
export function wantedByAll(all: readonly ScalingProposal[], replicas: number): number | undefined {
  const sure = all.filter((one) => !one.isStale);
  if (sure.length === 0) return undefined;
  const want = Math.max(...sure.map((one) => one.want));
  return want < replicas && sure.length < all.length ? replicas : want;
}
