/** Owns the cluster as the leader reads it, kept up to date by what changed: only changed records are decoded. */
import type { Assignment } from '../model/assignment.ts';
import type { NodeFacts } from '../model/node.ts';
import { decodeAssignment } from '../model/records-assignment.ts';
import { decodeNode } from '../model/records-node.ts';
import type { Instance, Service, Stored } from '../model/service.ts';
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

interface Maps {
  readonly services: Map<string, Stored<Service>>;
  readonly instances: Map<string, Map<string, Stored<Instance>>>;
  readonly assignments: Map<string, Stored<Assignment>>;
  readonly facts: Map<string, Stored<NodeFacts>>;
  readonly alive: Map<string, number>;
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

/** Static and registered instances are not read: there are many, and the leader has no say in them. */
function changeInstance(maps: Maps, key: string, item: KeyValue | undefined): void {
  const [, service = '', ...rest] = key.split('/');
  const managed = item?.value.includes('managed') === true ? item : undefined;
  const known = new Map(maps.instances.get(service));
  takeOver(
    maps,
    { key, service },
    {
      remove: () => known.delete(rest.join('/')),
      read: managed && (() => known.set(rest.join('/'), readInstanceItem(service, managed))),
    },
  );
  if (known.size === 0) maps.instances.delete(service);
  else maps.instances.set(service, known);
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
  else maps.alive.set(node, item.modRevision);
}

const FAMILIES: Readonly<Record<string, typeof changeService>> = {
  service: changeService,
  instance: changeInstance,
  assignment: changeAssignment,
  node: changeNode,
  'node-alive': changeAlive,
};

function nodesOf({ facts, alive }: Maps): ReadonlyMap<string, NodeView> {
  const names = new Set([...facts.keys(), ...alive.keys()]);
  return new Map(
    [...names].map((name) => [name, { name, facts: facts.get(name), aliveRevision: alive.get(name) }]),
  );
}

/** An empty copy. */
export function createClusterCopy(): ClusterCopy {
  const maps: Maps = {
    services: new Map(),
    instances: new Map(),
    assignments: new Map(),
    facts: new Map(),
    alive: new Map(),
    unreadable: new Map(),
  };
  return {
    change: (keys, items) => {
      for (const key of keys) FAMILIES[key.slice(0, key.indexOf('/'))]?.(maps, key, items.get(key));
    },
    state: () => ({
      services: new Map(maps.services),
      instances: new Map([...maps.instances].map(([service, byId]) => [service, [...byId.values()]])),
      assignments: [...maps.assignments.values()],
      nodes: nodesOf(maps),
      unreadable: new Map([...maps.unreadable.values()].map(({ service, why }) => [service, why])),
    }),
  };
}
