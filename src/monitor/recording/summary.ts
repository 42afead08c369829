/** Owns what a replay comes to for each service: how many instances, how often the number changed, for how long they were full. Pure. */
import type { ReplayPoint, ReplayWeights } from './replay.ts';

/** Above this share of what they may use instances are full. */
const FULL = 0.95;

/** Numbers over time. */
export interface Counted {
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly changes: number;
}

/** One service over the whole recording. */
export interface ReplaySummary {
  readonly service: string;
  readonly looks: number;
  readonly seconds: number;
  /** As many as were asked for when it was recorded. */
  readonly recorded: Counted;
  /** As many as were asked for by what is replayed: with the recorded policy what it would have made of each moment. */
  readonly replayed: Counted;
  /** Seconds in which instances were full, as far as their use is known. */
  readonly fullSeconds: number;
  /** Decisions that would have been recorded. */
  readonly decisions: readonly ReplayPoint[];
  readonly weightChanges: number;
}

function counted(points: readonly ReplayPoint[], of: (point: ReplayPoint) => number): Counted {
  const counts = points.map(of);
  const [first = 0] = counts;
  return {
    mean:
      Math.round((counts.reduce((sum, count) => sum + count, 0) / Math.max(1, counts.length)) * 100) / 100,
    min: counts.reduce((least, count) => Math.min(least, count), first),
    max: counts.reduce((most, count) => Math.max(most, count), first),
    changes: counts.filter((count, index) => index > 0 && count !== counts[index - 1]).length,
  };
}

/** Seconds from each look to the next in which the instances were full. */
function fullSeconds(points: readonly ReplayPoint[]): number {
  const ms = points.reduce((sum, { cpu, ms: from }, index) => {
    const next = points[index + 1];
    return cpu === undefined || cpu <= FULL || next === undefined ? sum : sum + next.ms - from;
  }, 0);
  return Math.round(ms / 1_000);
}

function summaryOf(service: string, points: readonly ReplayPoint[], weightChanges: number): ReplaySummary {
  const [first, last] = [points[0], points.at(-1)];
  return {
    service,
    looks: points.length,
    seconds: first === undefined || last === undefined ? 0 : Math.round((last.ms - first.ms) / 1_000),
    recorded: counted(points, ({ recorded }) => recorded),
    replayed: counted(points, ({ outcome }) => outcome.final),
    fullSeconds: fullSeconds(points),
    decisions: points.filter(({ isNews }) => isNews),
    weightChanges,
  };
}

/** Every service that a policy scales or whose weights change, sorted. */
export function summaries(
  points: readonly ReplayPoint[],
  weights: readonly ReplayWeights[],
): readonly ReplaySummary[] {
  const names = new Set([...points, ...weights].map(({ service }) => service));
  return [...names].toSorted().map((name) =>
    summaryOf(
      name,
      points.filter(({ service }) => service === name),
      weights.filter(({ service }) => service === name).length,
    ),
  );
}
