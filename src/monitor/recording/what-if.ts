/**
 * Owns a service as it would have been with another policy: the recorded load, spread over as many instances as that policy asks for. New
 * ones take a fixed time to get ready. What recorded instances could not do any more, since they were full, is not in the recording. Pure.
 */
import { decideScaling, type ScalingDecision } from '../../balance/scaling.ts';
import type { LoadSample, MetricValue, ScaledInstance } from '../../balance/scaling-readings.ts';
import type { ScalingNow } from '../../balance/scaling-history.ts';
import type { ScalingPolicy } from '../../model/policy-scaling.ts';
import type { ScalingState } from '../../model/scaling.ts';

/** The instances that there would be. */
export interface Fleet {
  /** When each is ready, oldest first. */
  readonly readyMs: readonly number[];
  readonly state: ScalingState | undefined;
}

/** What was recorded at one look. */
export interface Recorded {
  readonly instances: readonly ScaledInstance[];
  readonly values: ReadonlyMap<string, MetricValue>;
  /** As many were asked for. */
  readonly replicas: number;
  readonly now: ScalingNow;
}

/** What is tried. */
export interface Tried {
  readonly policy: ScalingPolicy;
  /** From the decision until a new instance is ready. */
  readonly startMs: number;
}

const isReady = ({ readySinceMs }: ScaledInstance): boolean => readySinceMs !== undefined;

type Amount = 'cpu' | 'connections' | 'acceptQueue' | 'newConnections';

/** Of all ready instances together; undefined if it was measured of none. Those that were not measured count as the mean of the others. */
function totalOf(ready: readonly ScaledInstance[], amount: Amount): number | undefined {
  const known = ready.flatMap(({ load }) => load?.[amount] ?? []);
  if (known.length === 0) return undefined;
  return (known.reduce((sum, one) => sum + one, 0) * ready.length) / known.length;
}

/** What each of so many instances would have of the recorded load. */
function shareOf(ready: readonly ScaledInstance[], count: number): LoadSample | undefined {
  const arrived = ready.flatMap(({ load }) => load?.arrivedMs ?? []);
  if (arrived.length === 0 || count === 0) return undefined;
  const each = (amount: Amount): number | undefined => {
    const total = totalOf(ready, amount);
    return total === undefined ? undefined : total / count;
  };
  const cpu = each('cpu');
  return {
    arrivedMs: Math.max(...arrived),
    cpu: cpu === undefined ? undefined : Math.min(1, cpu),
    connections: each('connections'),
    acceptQueue: each('acceptQueue'),
    newConnections: each('newConnections'),
  };
}

/** Values that hold for an instance, as they would be with another number of them. */
function valuesFor(
  { values }: Recorded,
  { metrics }: ScalingPolicy,
  ratio: number,
): ReadonlyMap<string, MetricValue> {
  const totals = new Set(
    metrics.flatMap((metric) => ('as' in metric && metric.as === 'total' ? [metric.name] : [])),
  );
  return new Map(
    [...values].map(([name, { value, arrivedMs }]) => [
      name,
      { arrivedMs, value: totals.has(name) ? value : value * ratio },
    ]),
  );
}

/** The fleet that a recording begins with: as many as there were, all ready for long. */
export const firstFleet = ({ replicas, now }: Recorded): Fleet => ({
  readyMs: Array.from({ length: replicas }, () => now.ms - 3_600_000),
  state: undefined,
});

/** Decides once, and carries it out. @returns the decision, the fleet afterwards, and the mean use of processors that it had, 0 to above 1 */
export function tryPolicy(
  fleet: Fleet,
  recorded: Recorded,
  { policy, startMs }: Tried,
): { readonly decision: ScalingDecision; readonly fleet: Fleet; readonly cpu: number | undefined } {
  const { now } = recorded;
  const ready = recorded.instances.filter(isReady);
  const count = fleet.readyMs.filter((ms) => ms <= now.ms).length;
  const load = shareOf(ready, count);
  const instances = fleet.readyMs.map((ms): ScaledInstance =>
    ms <= now.ms ? { readySinceMs: ms, load } : {},
  );
  const values = valuesFor(recorded, policy, count === 0 ? 1 : ready.length / count);
  const replicas = fleet.readyMs.length;
  const decision = decideScaling(
    { policy: { ...policy, mode: 'act' }, replicas, instances, values, now },
    fleet.state,
  );
  const more = Array.from({ length: Math.max(0, decision.final - replicas) }, () => now.ms + startMs);
  const total = totalOf(ready, 'cpu');
  return {
    decision,
    cpu: total === undefined || count === 0 ? undefined : total / count,
    fleet: { readyMs: [...fleet.readyMs.slice(0, decision.final), ...more], state: decision.state },
  };
}
