/** Owns the snapshot: everything of the store that the rules depend on, at one revision. Pure data. */
import type { ComputedWeights } from './computed-weights.ts';
import type { Instance, Service, Stored } from './service.ts';

/** Services, instances and computed weights at one revision; maps by service name, instances in no particular order. */
export interface Snapshot {
  readonly revision: number;
  readonly services: ReadonlyMap<string, Stored<Service>>;
  readonly instances: ReadonlyMap<string, readonly Stored<Instance>[]>;
  /** Of services that the balancer weighs; undefined: of none. */
  readonly weights?: ReadonlyMap<string, ComputedWeights> | undefined;
}
