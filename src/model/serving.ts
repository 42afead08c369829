/** Owns which instances get new connections. Pure. */
import type { DrainOrder } from './assignment.ts';
import type { InstanceState, Origin } from './service.ts';

/** What it depends on. */
export interface Serving {
  readonly weight: number;
  /** Without one it counts as ready. */
  readonly state?: InstanceState | undefined;
  /** Without one it counts as listed. */
  readonly origin?: Origin | undefined;
  readonly drain?: DrainOrder | undefined;
}

/**
 * True if people took it out of the rules: a listed one by any order to drain it. A managed one serves until the leader has another ready
 * and tells it to stop, unless the order is forced.
 */
const isTakenOut = ({ origin, drain }: Omit<Serving, 'weight'>): boolean =>
  drain !== undefined && (origin !== 'managed' || drain.force === true);

/** True if it gets new connections: ready, with a weight, and not taken out. */
export const isServing = (instance: Serving): boolean =>
  (instance.state ?? 'ready') === 'ready' && instance.weight > 0 && !isTakenOut(instance);
