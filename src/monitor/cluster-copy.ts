/** Owns the cluster as the leader reads it, kept up to date by what changed: only changed records are decoded. */
import type { Assignment } from '../model/assignment.ts';
import { type ComputedWeights, decodeComputedWeights } from '../model/computed-weights.ts';
import type { NodeFacts, Reaches } from '../model/node.ts';
import { decodeAssignment } from '../model/records-assignment.ts';
import { decodeNode, decodeNodeAlive } from '../model/records-node.ts';
import type { Instance, Service, Stored } from '../model/service.ts';
import { isWeighed } from '../schedule/weigh.ts';
import type { ClusterState, NodeView } from '../schedule/view.ts';
import { assignmentOfKey } from '../store/keys.ts';
import { readInstanceItem, readServiceItem, whyInvalid } from '../store/snapshot.ts';
import type { KeyValue } from '../store/store.ts';

/** A copy of what decisions are made from. */
export interface ClusterCopy {
  /** Takes over what changed. @param items all that is known now, by key */
  readonly change: (keys: readonly string[], items: ReadonlyMap<string, KeyValue>) => void;
  /** The cluster now; changes afterwards do not show in it. */
  readonly state: () => ClusterState;
}

/** A record that cannot be read, and the service that it is about. */
interface Unreadable {
  readonly service: string;
  readonly why: string;
}

/** What a node's marker says. */
interface Marker {
  readonly modRevision: number;
  readonly reaches: Reaches | undefined;
}

interface Maps {
  readonly services: Map<string, Stored<Service>>;
  readonly instances: Map<string, Map<string, Stored<Instance>>>;
  /** As in the state: not managed, of weighed services. */
  readonly listed: Map<string, Map<string, Stored<Instance>>>;
  readonly weights: Map<string, Stored<ComputedWeights>>;
  readonly assignments: Map<string, Stored<Assignment>>;
  readonly facts: Map<string, Stored<NodeFacts>>;
  readonly alive: Map<string, Marker>;
  readonly unreadable: Map<string, Unreadable>;
}

function storedOf<T>(
  { createRevision, modRevision }: KeyValue,
  { value, raw }: { readonly value: T; readonly raw: Stored<T>['raw'] },
): Stored<T> {
  return { value, raw, createRevision, modRevision };
}

/** Puts what was read, or removes what is gone; what cannot be read is noted and removed. */
function takeOver(
  maps: Maps,
  about: { readonly key: string; readonly service: string },
  parts: { readonly read: (() => void) | undefined; readonly remove: () => void },
): void {
  maps.unreadable.delete(about.key);
  parts.remove();
  try {
    parts.read?.();
  } catch (error) {
    maps.unreadable.set(about.key, { service: about.service, why: whyInvalid(error) });
  }
}

function changeService(maps: Maps, key: string, item: KeyValue | undefined): void {
  const service = key.slice('service/'.length);
  takeOver(
    maps,
    { key, service },
    {
      remove: () => maps.services.delete(service),
      read: item && (() => maps.services.set(service, readServiceItem(service, item))),
    },
  );
}

/** True for services of which all instances are read: there are many others, and the leader has no say in them. */
function isWeighedNow({ services }: Maps, service: string): boolean {
  const stored = services.get(service);
  return stored !== undefined && isWeighed(stored.value);
}

/** Reads an instance into one of two families of maps, if it belongs there. */
function putInstance(
  maps: Maps,
  family: Maps['instances'],
  { key, item }: { readonly key: string; readonly item: KeyValue | undefined },
): void {
  const [, service = '', ...rest] = key.split('/');
  const known = new Map(family.get(service));
  takeOver(
    maps,
    { key, service },
    {
      remove: () => known.delete(rest.join('/')),
      read: item && (() => known.set(rest.join('/'), readInstanceItem(service, item))),
    },
  );
  if (known.size === 0) family.delete(service);
  else family.set(service, known);
}

function changeInstance(maps: Maps, key: string, item: KeyValue | undefined): void {
  const isManaged = item?.value.includes('managed') === true;
  const isRead = !isManaged && isWeighedNow(maps, key.split('/')[1] ?? '');
  putInstance(maps, maps.listed, { key, item: isRead ? item : undefined });
  putInstance(maps, maps.instances, { key, item: isManaged ? item : undefined });
}

function changeWeights(maps: Maps, key: string, item: KeyValue | undefined): void {
  const service = key.slice('weights/'.length);
  maps.weights.delete(service);
  if (item === undefined) return;
  try {
    maps.weights.set(service, storedOf(item, decodeComputedWeights(service, item.value)));
  } catch (error) {
    // Agents keep what they had; the next ones to be written take its place.
    whyInvalid(error);
  }
}

function changeAssignment(maps: Maps, key: string, item: KeyValue | undefined): void {
  const name = assignmentOfKey(key);
  if (name === undefined) return;
  takeOver(
    maps,
    { key, service: name.service },
    {
      remove: () => maps.assignments.delete(key),
      read: item && (() => maps.assignments.set(key, storedOf(item, decodeAssignment(name, item.value)))),
    },
  );
}

function changeNode(maps: Maps, key: string, item: KeyValue | undefined): void {
  const node = key.slice('node/'.length);
  maps.facts.delete(node);
  if (item === undefined) return;
  try {
    maps.facts.set(node, storedOf(item, decodeNode(node, item.value)));
  } catch (error) {
    // A node without facts takes nothing new; it is not silent for that.
    whyInvalid(error);
  }
}

function changeAlive(maps: Maps, key: string, item: KeyValue | undefined): void {
  const node = key.slice('node-alive/'.length);
  if (item === undefined) maps.alive.delete(node);
  else maps.alive.set(node, { modRevision: item.modRevision, reaches: reachesIn(node, item) });
}

/** A marker that cannot be read is one all the same. */
function reachesIn(node: string, { value }: KeyValue): Reaches | undefined {
  try {
    return decodeNodeAlive(node, value).value.reaches;
  } catch (error) {
    whyInvalid(error);
    return undefined;
  }
}

const FAMILIES: Readonly<Record<string, typeof changeService>> = {
  instance: changeInstance,
  weights: changeWeights,
  assignment: changeAssignment,
  node: changeNode,
  'node-alive': changeAlive,
};

function nodesOf({ facts, alive }: Maps): ReadonlyMap<string, NodeView> {
  const names = new Set([...facts.keys(), ...alive.keys()]);
  return new Map(
    [...names].map((name) => {
      const { modRevision, reaches } = alive.get(name) ?? {};
      return [name, { name, facts: facts.get(name), aliveRevision: modRevision, reaches }];
    }),
  );
}

/** Takes changed services over, before their instances. @returns those that are weighed now and were not, or the other way round */
function changeServices(
  maps: Maps,
  keys: readonly string[],
  items: ReadonlyMap<string, KeyValue>,
): ReadonlySet<string> {
  const turned = new Set<string>();
  for (const key of keys) {
    const service = key.slice('service/'.length);
    const before = isWeighedNow(maps, service);
    changeService(maps, key, items.get(key));
    if (isWeighedNow(maps, service) !== before) turned.add(service);
  }
  return turned;
}

/** True for the instances of some services. */
const isOf = (services: ReadonlySet<string>, key: string): boolean =>
  key.startsWith('instance/') && services.has(key.split('/')[1] ?? '');

const listsOf = (family: Maps['instances']): ReadonlyMap<string, readonly Stored<Instance>[]> =>
  new Map([...family].map(([service, byId]) => [service, [...byId.values()]]));

/** An empty copy. */
export function createClusterCopy(): ClusterCopy {
  const maps: Maps = {
    services: new Map(),
    instances: new Map(),
    listed: new Map(),
    weights: new Map(),
    assignments: new Map(),
    facts: new Map(),
    alive: new Map(),
    unreadable: new Map(),
  };
  return {
    change: (keys, items) => {
      const services = keys.filter((key) => key.startsWith('service/'));
      const nowWeighed = changeServices(maps, services, items);
      // What was passed over while its service was not weighed; seldom, and once for all of them.
      const late = nowWeighed.size === 0 ? [] : [...items.keys()].filter((key) => isOf(nowWeighed, key));
      for (const key of new Set([...keys, ...late]))
        FAMILIES[key.slice(0, key.indexOf('/'))]?.(maps, key, items.get(key));
    },
    state: () => ({
      services: new Map(maps.services),
      instances: listsOf(maps.instances),
      listed: listsOf(maps.listed),
      weights: new Map(maps.weights),
      assignments: [...maps.assignments.values()],
      nodes: nodesOf(maps),
      unreadable: new Map([...maps.unreadable.values()].map(({ service, why }) => [service, why])),
    }),
  };
}
