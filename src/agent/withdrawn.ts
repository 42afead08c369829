/**
 * Owns local withdrawal: what this node knows of its own instances before the store does. An instance that the store calls ready and that
 * ended here is taken for what it is; nothing is ever made ready here. Pure.
 */
import { inState } from '../model/in-state.ts';
import { LayeredMap } from '../model/layered-map.ts';
import type { Instance, InstanceState, Stored } from '../model/service.ts';
import type { Snapshot } from '../model/snapshot.ts';

/** What instances of this node really are, where it is not `ready`: state by id by service. */
export type Withdrawn = ReadonlyMap<string, ReadonlyMap<string, InstanceState>>;

/** The snapshot without the readiness of withdrawn instances. Costs the services that have some. */
export function withdrawFrom(snapshot: Snapshot, withdrawn: Withdrawn): Snapshot {
  const changed = new Map<string, readonly Stored<Instance>[]>();
  for (const [service, states] of withdrawn) {
    const stored = snapshot.instances.get(service);
    if (stored === undefined) continue;
    const next = stored.map((instance) => {
      const state = states.get(instance.value.id);
      return state === undefined || instance.value.state !== 'ready' ? instance : inState(instance, state);
    });
    if (next.some((instance, index) => instance !== stored[index])) changed.set(service, next);
  }
  if (changed.size === 0) return snapshot;
  return { ...snapshot, instances: LayeredMap.with(snapshot.instances, changed) };
}

/** True if both take the same out of the rules that this snapshot asks for: then nothing has to be applied. */
export function isSameWithdrawal(snapshot: Snapshot, before: Withdrawn, after: Withdrawn): boolean {
  const [a, b] = [withdrawFrom(snapshot, before), withdrawFrom(snapshot, after)];
  return [...before.keys(), ...after.keys()].every((service) => {
    const [one, other] = [a.instances.get(service), b.instances.get(service)];
    return one?.length === other?.length && (one ?? []).every((stored, index) => stored === other?.[index]);
  });
}
