/**
 * Owns what nodes that are out of reach mean for the rules: their instances get no connections until they answer, unless too few would be left. Pure but for
 * the memory that keeps equal answers the same objects.
 */
import { usableOf } from '../balance/panic.ts';
import { inState } from '../model/in-state.ts';
import { LayeredMap } from '../model/layered-map.ts';
import type { Instance, Stored } from '../model/service.ts';
import { isServing } from '../model/serving.ts';
import type { Snapshot } from '../model/snapshot.ts';

/** What is out of reach. */
export interface Away {
  readonly nodes: ReadonlySet<string>;
  /** Addresses of theirs that no other node has too. */
  readonly ips: ReadonlySet<string>;
}

/** Nothing is. */
export const NOTHING_AWAY: Away = { nodes: new Set(), ips: new Set() };

/** What nodes out of reach mean. An address that another node has too says nothing of where an instance is. */
export function awayOf(nodes: ReadonlySet<string>, addresses: ReadonlyMap<string, readonly string[]>): Away {
  if (nodes.size === 0) return NOTHING_AWAY;
  const others = new Set([...addresses].flatMap(([name, ips]) => (nodes.has(name) ? [] : ips)));
  const own = [...nodes].flatMap((name) => addresses.get(name) ?? []);
  return { nodes, ips: new Set(own.filter((ip) => !others.has(ip))) };
}

type Instances = readonly Stored<Instance>[];

/** Rules of a service are made anew when its instances are other objects: the same question must give the same ones. */
const told = new WeakMap<Instances, { readonly away: Away; readonly left: Instances }>();

const isAway = ({ node, ip }: Instance, { nodes, ips }: Away): boolean =>
  node === undefined ? ips.has(ip) : nodes.has(node);

/** The instances of one service, those out of reach as failed; as they are if fewer than half would be left (the panic threshold). */
function leftOf(instances: Instances, away: Away): Instances {
  const serving = instances.filter(({ value }) => isServing(value));
  const present = serving.map((one) => ({ one, healthy: !isAway(one.value, away) }));
  const { usable, isPanic } = usableOf(present);
  if (isPanic || usable.length === present.length) return instances;
  const gone = new Set(present.filter(({ healthy }) => !healthy).map(({ one }) => one));
  return instances.map((one) => (gone.has(one) ? inState(one, 'failed') : one));
}

/** The snapshot without what is out of reach. Costs nothing while nothing is, and a look at each service while something is. */
export function withoutAway(snapshot: Snapshot, away: Away): Snapshot {
  if (away.nodes.size === 0) return snapshot;
  const changed = new Map<string, Instances>();
  for (const [service, instances] of snapshot.instances) {
    const known = told.get(instances);
    const left = known?.away === away ? known.left : leftOf(instances, away);
    if (known?.away !== away) told.set(instances, { away, left });
    if (left !== instances) changed.set(service, left);
  }
  if (changed.size === 0) return snapshot;
  return { ...snapshot, instances: LayeredMap.with(snapshot.instances, changed) };
}
