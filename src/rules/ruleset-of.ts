/**
 * Owns the step from the snapshot to the ruleset: which instances get connections, in which order, and who holds an entry. Pure; the
 * rules of a service whose stored objects did not change are kept (weakly) and come back as the same objects, so that what is made
 * from them can be kept too.
 */
import { ipBytes } from '../model/address.ts';
import { type ComputedWeights, effectiveWeights } from '../model/computed-weights.ts';
import type { Entry } from '../model/entry.ts';
import { LayeredMap } from '../model/layered-map.ts';
import type { Instance, Service, Stored } from '../model/service.ts';
import { isServing } from '../model/serving.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { divideLike } from './families.ts';
import type { EntryRules, Ruleset, RuleTarget } from './ruleset.ts';

/** Rules of one entry with its place in the order of entries: one character per byte of family, address, port, protocol. */
interface KeyedRules {
  readonly key: string;
  readonly rules: EntryRules;
}

interface Known {
  readonly instances: readonly Stored<Instance>[];
  readonly weights: ComputedWeights | undefined;
  readonly keyed: readonly KeyedRules[];
}

const known = new WeakMap<Stored<Service>, Known>();
const NO_WEIGHTS: ReadonlyMap<string, ComputedWeights> = new Map();
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

/** Instances that get new connections, the oldest first, with the weights that count. */
function targetsOf(
  instances: readonly Stored<Instance>[],
  weights: ComputedWeights | undefined,
): readonly RuleTarget[] {
  const serving = instances
    .filter(({ value }) => isServing(value))
    .toSorted(compareAge)
    .map(({ value }) => value);
  const effective = effectiveWeights(serving, weights?.weights);
  return serving
    .map(({ ip, port, weight }, index) => ({ ip, port, weight: effective[index] ?? weight }))
    .filter(({ weight }) => weight > 0);
}

function rulesOfService(
  service: Stored<Service>,
  instances: readonly Stored<Instance>[],
  weights: ComputedWeights | undefined,
): readonly KeyedRules[] {
  const before = known.get(service);
  if (
    before !== undefined &&
    before.weights === weights &&
    before.instances.length === instances.length &&
    before.instances.every((instance, index) => instance === instances[index])
  ) {
    return before.keyed;
  }
  const { name, masquerade, affinitySeconds, entries } = service.value;
  const all = targetsOf(instances, weights);
  const targets = {
    ipv4: all.filter(({ ip }) => !ip.includes(':')),
    ipv6: all.filter(({ ip }) => ip.includes(':')),
  };
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
  known.set(service, { instances, weights, keyed });
  return keyed;
}

/** True if `a` has the older claim: its service was created earlier, or, made at the same revision, sorts first by name. */
const isOlderClaim = (a: Stored<Service>, b: Stored<Service>): boolean =>
  (a.createRevision - b.createRevision || compareText(a.value.name, b.value.name)) < 0;

/** A ruleset with what it was made from. */
interface Made {
  readonly snapshot: Snapshot;
  /** Sorted; apart from the rules, so that a search for a few does not look at all. */
  readonly keys: readonly string[];
  readonly ruleset: Ruleset;
  /** Two services held one entry. */
  readonly isContested: boolean;
}

const compareKeys = (a: KeyedRules, b: KeyedRules): number => compareText(a.key, b.key);

/** The rules of one service of a snapshot; none if it is not there. */
function keyedOf(snapshot: Snapshot, name: string): readonly KeyedRules[] {
  const service = snapshot.services.get(name);
  if (service === undefined) return [];
  return rulesOfService(service, snapshot.instances.get(name) ?? NO_INSTANCES, snapshot.weights?.get(name));
}

/** Everything anew. */
function makeAll(snapshot: Snapshot): Made {
  const claims = new Map<string, { readonly service: Stored<Service>; readonly rules: EntryRules }>();
  let isContested = false;
  for (const service of snapshot.services.values()) {
    for (const { key, rules } of keyedOf(snapshot, service.value.name)) {
      const holder = claims.get(key);
      if (holder === undefined || isOlderClaim(service, holder.service)) claims.set(key, { service, rules });
      isContested ||= holder !== undefined;
    }
  }
  const keyed = [...claims].map(([key, { rules }]) => ({ key, rules })).toSorted(compareKeys);
  const keys = keyed.map(({ key }) => key);
  return { snapshot, keys, ruleset: { entries: keyed.map(({ rules }) => rules) }, isContested };
}

/** Names of the services that differ, or have other instances; undefined if only a look at all could tell. */
function changedServices(before: Snapshot, after: Snapshot): ReadonlySet<string> | undefined {
  const services = LayeredMap.changedKeys(before.services, after.services);
  const instances = LayeredMap.changedKeys(before.instances, after.instances);
  const weights = LayeredMap.changedKeys(before.weights ?? NO_WEIGHTS, after.weights ?? NO_WEIGHTS);
  if (services === undefined || instances === undefined || weights === undefined) return undefined;
  return new Set([...services, ...instances, ...weights]);
}

/** Where a key is in a sorted list, or would be. */
function placeOf(keys: readonly string[], key: string): number {
  let [low, high] = [0, keys.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The services that changed anew; undefined if that does not do, since an entry is claimed twice. Nothing is read of all others. */
function makeChanged(before: Made, snapshot: Snapshot): Made | undefined {
  const names = before.isContested ? undefined : changedServices(before.snapshot, snapshot);
  if (names === undefined) return undefined;
  const keys = [...before.keys];
  const entries = [...before.ruleset.entries];
  for (const { key } of [...names].flatMap((name) => keyedOf(before.snapshot, name))) {
    const at = placeOf(keys, key);
    keys.splice(at, 1);
    entries.splice(at, 1);
  }
  for (const { key, rules } of [...names].flatMap((name) => keyedOf(snapshot, name))) {
    const at = placeOf(keys, key);
    if (keys[at] === key) return undefined;
    keys.splice(at, 0, key);
    entries.splice(at, 0, rules);
  }
  const ruleset: Ruleset = { entries };
  divideLike(before.ruleset, ruleset);
  return { snapshot, keys, ruleset, isContested: false };
}

/**
 * A maker of rulesets that remembers the last one: snapshots that were derived from each other (updateSnapshot) cost what differs between
 * them and two copies of a list of pointers. What it returns depends on the snapshot alone, see `rulesetOf`.
 */
export function createRulesetMaker(): (snapshot: Snapshot) => Ruleset {
  let last: Made | undefined;
  return (snapshot) => {
    const made = (last === undefined ? undefined : makeChanged(last, snapshot)) ?? makeAll(snapshot);
    last = made;
    return made.ruleset;
  };
}

/**
 * The ruleset that a snapshot asks for, sorted by entry.
 *
 * Weights are those that the balancer computed, else the base weights. Instances stand oldest first by (createRevision, id), so that the
 * newest is evaluated first. Those that do not serve, and those of the other IP family, have no rule. If a broken store lets two services hold one entry, the service created earlier (then
 * the name that sorts first) has it.
 */
export function rulesetOf(snapshot: Snapshot): Ruleset {
  return createRulesetMaker()(snapshot);
}
