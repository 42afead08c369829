/** Owns the read models: from what was read to the items that are shown. Pure. */
import { nodesOutOfReach, votesOf } from '../health/votes.ts';
import { formatAddress } from '../model/address.ts';
import { formatAffinity } from '../model/affinity.ts';
import { formatEntry } from '../model/entry.ts';
import { formatPolicy } from '../model/policy-format.ts';
import { weightsPolicyOf } from '../model/policy-scaling.ts';
import type { Instance, Service, Stored } from '../model/service.ts';
import { isServing } from '../model/serving.ts';
import { templateHash } from '../model/template-hash.ts';
import { timeMs } from '../model/time.ts';
import { compareAge } from '../plan/instance-set.ts';
import { type ClusterRead, type Nodes, saidIn } from './cluster-read.ts';
import { instanceShares } from './shares.ts';
import type { InstanceItem, NodeItem, NodeProgress, ServiceItem } from './views.ts';

/** Whole seconds from an RFC 3339 time to now; never negative, since clocks of two machines differ. */
export function secondsSince(time: string, now: Date): number {
  return Math.max(0, Math.floor((now.getTime() - (timeMs(time) ?? now.getTime())) / 1_000));
}

const instancesIn = (read: ClusterRead, service: string): readonly Stored<Instance>[] =>
  (read.snapshot.instances.get(service) ?? []).toSorted(compareAge);

/** Revision of the last change of a service or one of its instances; 0 if there is none. */
export function serviceRevision(read: ClusterRead, name: string): number {
  const own = read.snapshot.services.get(name)?.modRevision ?? 0;
  const instances = read.snapshot.instances.get(name) ?? [];
  return instances.reduce((latest, { modRevision }) => Math.max(latest, modRevision), own);
}

/** How far one node is with a revision. */
function progressOf(nodes: Nodes, node: string, revision: number): NodeProgress {
  const applied = nodes.applied.get(node);
  return {
    node,
    alive: nodes.alive.has(node),
    appliedRevision: applied?.revision,
    appliedAt: applied?.appliedAt,
    current: (applied?.revision ?? 0) >= revision,
    failures: applied?.failures ?? [],
  };
}

/** How far every node is with a revision, sorted by node. */
export function nodeProgress(nodes: Nodes, revision: number): readonly NodeProgress[] {
  return nodes.names.map((node) => progressOf(nodes, node, revision));
}

/** How many live nodes have applied a revision without failures; costs little for each of many services. */
function appliedCounter(nodes: Nodes): (revision: number) => number {
  const revisions = [...nodes.alive.keys()]
    .flatMap((node) => nodes.applied.get(node) ?? [])
    .filter(({ failures }) => failures.length === 0)
    .map((applied) => applied.revision)
    .toSorted((a, b) => b - a);
  return (revision) => {
    const behind = revisions.findIndex((applied) => applied < revision);
    return behind < 0 ? revisions.length : behind;
  };
}

/** Who answers for each address of an announced service. */
function announcersOf({ holders }: ClusterRead, service: Service): ServiceItem['announcers'] {
  if (service.announce !== true) return [];
  const ips = [...new Set(service.entries.map(({ ip }) => ip))];
  return ips.map((ip) => ({ ip, node: holders.get(ip)?.node }));
}

/** Shows services of one read, by name; undefined for one that is not there. */
export function serviceViewer(read: ClusterRead, now: Date): (name: string) => ServiceItem | undefined {
  const appliedBy = appliedCounter(read.nodes);
  return (name) => {
    const value = read.snapshot.services.get(name)?.value;
    if (value === undefined) return undefined;
    const instances = read.snapshot.instances.get(name) ?? [];
    const revision = serviceRevision(read, name);
    return {
      name: value.name,
      entries: value.entries.map(formatEntry),
      origin: value.origin,
      masquerade: value.masquerade,
      affinity: formatAffinity(value.affinitySeconds),
      announce: value.announce === true,
      announcers: announcersOf(read, value),
      registry: value.registry,
      replicas: value.replicas,
      templateHash: value.template === undefined ? undefined : templateHash(value.template),
      instances: instances.length,
      ready: instances.filter((stored) => isServing(stored.value)).length,
      nodesApplied: appliedBy(revision),
      nodesTotal: read.nodes.alive.size,
      policy: formatPolicy({ ...value.policy, weights: weightsPolicyOf(value.policy, value.origin) }),
      pin: value.pin,
      revision,
      createdAt: value.createdAt,
      ageSeconds: secondsSince(value.createdAt, now),
    };
  };
}

/** All services, sorted by name, each made when it is asked for. */
export function* serviceItems(read: ClusterRead, now: Date): Generator<ServiceItem, undefined> {
  const view = serviceViewer(read, now);
  for (const name of [...read.snapshot.services.keys()].toSorted()) {
    const item = view(name);
    if (item !== undefined) yield item;
  }
  return undefined;
}

/** Instances of one service, oldest first. */
export function instanceItems(read: ClusterRead, service: string, now: Date): readonly InstanceItem[] {
  const stored = instancesIn(read, service);
  const shares = instanceShares(
    stored.map(({ value }) => value),
    read.snapshot.weights?.get(service)?.weights,
  );
  const template = read.snapshot.services.get(service)?.value.template;
  const wanted = template === undefined ? undefined : templateHash(template);
  return stored.map(({ value, modRevision }, index) => ({
    service,
    id: value.id,
    address: formatAddress(value),
    ip: value.ip,
    port: value.port,
    weight: value.weight,
    share: shares[index]?.share ?? 0,
    origin: value.origin,
    state: value.state,
    ready: isServing(value),
    node: value.node,
    stateSince: value.stateSince,
    why: value.why,
    restarts: value.restarts,
    templateHash: value.templateHash,
    current: value.templateHash === undefined ? undefined : value.templateHash === wanted,
    drain: value.drain,
    revision: modRevision,
    createdAt: value.createdAt,
    ageSeconds: secondsSince(value.createdAt, now),
  }));
}

/**
 * All instances of all services, by service, then oldest first, each made when it is asked for. Instances without a service are left out:
 * nothing forwards to them.
 */
export function* allInstanceItems(read: ClusterRead, now: Date): Generator<InstanceItem, undefined> {
  for (const service of [...read.snapshot.services.keys()].toSorted())
    yield* instanceItems(read, service, now);
  return undefined;
}

/** The later of some RFC 3339 times in UTC. */
function latestOf(...times: readonly (string | undefined)[]): string | undefined {
  return times
    .filter((time) => time !== undefined)
    .toSorted((a, b) => (timeMs(a) ?? 0) - (timeMs(b) ?? 0))
    .at(-1);
}

/** What other nodes say of one. */
function reachReader(nodes: Nodes): (name: string) => Pick<NodeItem, 'reachedBy' | 'outOfReachOf'> {
  const said = saidIn(nodes);
  const [votes, away] = [votesOf(said), nodesOutOfReach({ away: new Set() }, said)];
  return (name) => {
    const own = votes.get(name) ?? [];
    return {
      reachedBy: own.filter(({ reaches }) => reaches).map(({ by }) => by),
      outOfReachOf: away.has(name) ? own.map(({ by }) => by) : [],
    };
  };
}

/** All nodes ever seen, sorted by name. */
export function nodeItems(nodes: Nodes, now: Date): readonly NodeItem[] {
  const reachOf = reachReader(nodes);
  return nodes.names.map((name) => {
    const facts = nodes.facts.get(name);
    const alive = nodes.alive.get(name);
    const applied = nodes.applied.get(name);
    const heard = alive === undefined ? latestOf(facts?.startedAt, applied?.appliedAt) : undefined;
    return {
      name,
      alive: alive !== undefined,
      aliveSince: alive?.since,
      lastHeardAt: heard,
      silentSeconds: heard === undefined ? undefined : secondsSince(heard, now),
      ...reachOf(name),
      addresses: facts?.addresses ?? [],
      cpus: facts?.cpus,
      memoryBytes: facts?.memoryBytes,
      version: facts?.version,
      kernel: facts?.kernel,
      dataplane: facts?.dataplane,
      startedAt: facts?.startedAt,
      labels: facts?.labels ?? {},
      drivers: facts?.drivers,
      missingDrivers: facts?.missingDrivers ?? [],
      cordoned: facts?.cordoned === true,
      drain: facts?.drain,
      appliedRevision: applied?.revision,
      appliedAt: applied?.appliedAt,
      rulesHash: applied?.rulesHash,
      entries: applied?.entries,
      instances: applied?.instances,
      failures: applied?.failures ?? [],
    };
  });
}
