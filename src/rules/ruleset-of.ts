/**
 * Owns the step from the snapshot to the ruleset: which instances get connections, in which order, and who holds an entry. Pure; the
 * rules of a service whose stored objects did not change are kept (weakly) and come back as the same objects, so that what is made
 * from them can be kept too.
 */
import { ipBytes } from '../model/address.ts';
import type { Entry } from '../model/entry.ts';
import type { Instance, Service, Stored } from '../model/service.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { EntryRules, Ruleset, RuleTarget } from './ruleset.ts';

/** Rules of one entry with its place in the order of entries: one character per byte of family, address, port, protocol. */
interface KeyedRules {
  readonly key: string;
  readonly rules: EntryRules;
}

interface Known {
  readonly instances: readonly Stored<Instance>[];
  readonly keyed: readonly KeyedRules[];
}

const known = new WeakMap<Stored<Service>, Known>();
const NO_INSTANCES: readonly Stored<Instance>[] = [];

/** Text whose order is that of `compareEntries`, made once per entry: comparing addresses n log n times costs half a second at 10,000. */
function orderKey(entry: Entry): string {
  const bytes = ipBytes(entry.ip) ?? [];
  const protocol = entry.protocol === 'tcp' ? 0 : 1;
  return String.fromCharCode(bytes.length, ...bytes, entry.port >> 8, entry.port & 0xff, protocol);
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Order of age: the earlier created first; made in one transaction, by id. */
const compareAge = (a: Stored<Instance>, b: Stored<Instance>): number =>
  a.createRevision - b.createRevision || compareText(a.value.id, b.value.id);

function targetsOf(instances: readonly Stored<Instance>[], family: 'ipv4' | 'ipv6'): readonly RuleTarget[] {
  return instances
    .filter(({ value }) => value.state === 'ready' && value.weight > 0 && value.drain === undefined)
    .filter(({ value }) => value.ip.includes(':') === (family === 'ipv6'))
    .toSorted(compareAge)
    .map(({ value }) => ({ ip: value.ip, port: value.port, weight: value.weight }));
}

function rulesOfService(
  service: Stored<Service>,
  instances: readonly Stored<Instance>[],
): readonly KeyedRules[] {
  const before = known.get(service);
  if (
    before !== undefined &&
    before.instances.length === instances.length &&
    before.instances.every((instance, index) => instance === instances[index])
  ) {
    return before.keyed;
  }
  const { name, masquerade, affinitySeconds, entries } = service.value;
  const targets = { ipv4: targetsOf(instances, 'ipv4'), ipv6: targetsOf(instances, 'ipv6') };
  const keyed = entries.map((entry) => ({
    key: orderKey(entry),
    rules: {
      entry,
      service: name,
      masquerade,
      ...(affinitySeconds === undefined ? {} : { affinitySeconds }),
      targets: targets[entry.ip.includes(':') ? 'ipv6' : 'ipv4'],
    },
  }));
  known.set(service, { instances: [...instances], keyed });
  return keyed;
}

/** True if `a` has the older claim: its service was created earlier, or, made at the same revision, sorts first by name. */
const isOlderClaim = (a: Stored<Service>, b: Stored<Service>): boolean =>
  (a.createRevision - b.createRevision || compareText(a.value.name, b.value.name)) < 0;

/**
 * The ruleset that a snapshot asks for, sorted by entry.
 *
 * Instances stand oldest first by (createRevision, id), so that the newest is evaluated first. Those with weight 0, not `ready` or
 * to be drained, and those of the other IP family, have no rule. If a broken store lets two services hold one entry, the service created earlier (then
 * the name that sorts first) has it.
 */
export function rulesetOf(snapshot: Snapshot): Ruleset {
  const claims = new Map<string, { readonly service: Stored<Service>; readonly rules: EntryRules }>();
  for (const service of snapshot.services.values()) {
    const instances = snapshot.instances.get(service.value.name) ?? NO_INSTANCES;
    for (const { key, rules } of rulesOfService(service, instances)) {
      const holder = claims.get(key);
      if (holder === undefined || isOlderClaim(service, holder.service)) claims.set(key, { service, rules });
    }
  }
  const keys = [...claims.keys()].toSorted();
  return { entries: keys.flatMap((key) => claims.get(key)?.rules ?? []) };
}
