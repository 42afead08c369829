/** Owns the set of instances of a service under changes: new instances, order of age, order of changes. Pure. */
import { compareAddresses, formatAddress } from '../model/address.ts';
import type { Instance, InstanceSpec, Stored } from '../model/service.ts';
import type { Change } from './plan.ts';

/** True for an instance that an admin listed; only those may be changed by hand. */
export function isStatic(instance: Stored<Instance>): boolean {
  return instance.value.origin === 'static';
}

/** A static instance as it is created: its id is its address, and it is ready. */
export function newInstance(service: string, spec: InstanceSpec, now: string): Instance {
  const { ip, port, weight } = spec;
  return {
    service,
    id: formatAddress(spec),
    ip,
    port,
    weight,
    origin: 'static',
    state: 'ready',
    createdAt: now,
  };
}

function compareById(a: Instance, b: Instance): number {
  return compareAddresses(a, b) || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

/** Age order of stored instances: the oldest first, those created in one transaction by address. The order of rules and of shares. */
export function compareAge(a: Stored<Instance>, b: Stored<Instance>): number {
  return a.createRevision - b.createRevision || compareById(a.value, b.value);
}

const RANK = { 'add-instance': 0, 'update-instance': 1, 'remove-instance': 2 } as const;
type InstanceChange = Extract<Change, { readonly kind: keyof typeof RANK }>;

function isInstanceChange(change: Change): change is InstanceChange {
  return change.kind in RANK;
}

function subjectOf(change: InstanceChange): Instance {
  return change.kind === 'remove-instance' ? change.before.value : change.after;
}

/**
 * Changes of instances in canonical order (added, updated, removed; each by address), and the set of instances after them, oldest first.
 * @param before all instances of the service, in any order
 */
export function withInstances(
  before: readonly Stored<Instance>[],
  changes: readonly Change[],
): { readonly changes: readonly Change[]; readonly after: readonly Instance[] } {
  const sorted = changes
    .filter(isInstanceChange)
    .toSorted((a, b) => RANK[a.kind] - RANK[b.kind] || compareById(subjectOf(a), subjectOf(b)));
  const changed = new Map(sorted.map((change) => [subjectOf(change).id, change]));
  const kept = before.toSorted(compareAge).flatMap(({ value }): readonly Instance[] => {
    const change = changed.get(value.id);
    if (change === undefined) return [value];
    return change.kind === 'remove-instance' ? [] : [change.after];
  });
  const added = sorted.flatMap((change) => (change.kind === 'add-instance' ? [change.after] : []));
  return { changes: sorted, after: [...kept, ...added] };
}
