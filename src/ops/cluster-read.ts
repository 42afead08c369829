/** Owns reading the whole cluster at one revision: services, instances, and what nodes say of themselves. */
import type { Applied, NodeAlive, NodeFacts } from '../model/node.ts';
import { decodeApplied, decodeNode, decodeNodeAlive } from '../model/records-node.ts';
import type { Snapshot } from '../model/snapshot.ts';
import {
  APPLIED,
  GENERATION_KEY,
  INSTANCES,
  instancesOf,
  NODES,
  NODES_ALIVE,
  serviceKey,
  SERVICES,
} from '../store/keys.ts';
import { snapshotOf, whyInvalid } from '../store/snapshot.ts';
import type { CallOptions, KeyRange, KeyValue, Store } from '../store/store.ts';
import type { InvalidRecord } from './views.ts';

/** What nodes say of themselves, by name; a node is in `names` if any of its records is there. */
export interface Nodes {
  /** Sorted. */
  readonly names: readonly string[];
  readonly facts: ReadonlyMap<string, NodeFacts>;
  readonly alive: ReadonlyMap<string, NodeAlive>;
  readonly applied: ReadonlyMap<string, Applied>;
}

/** The cluster at one revision. */
export interface ClusterRead {
  readonly revision: number;
  /** Revision of the last spec write of all: what agents should have applied. 0 if there was none. */
  readonly specRevision: number;
  readonly snapshot: Snapshot;
  readonly nodes: Nodes;
  readonly invalid: readonly InvalidRecord[];
}

/** Decodes the records of one family; what cannot be read goes to `invalid`. */
function decodeAll<T>(
  items: readonly KeyValue[],
  decode: (name: string, json: string) => { readonly value: T },
  invalid: InvalidRecord[],
): ReadonlyMap<string, T> {
  const found = new Map<string, T>();
  for (const { key, value } of items) {
    const name = key.slice(key.indexOf('/') + 1);
    try {
      found.set(name, decode(name, value).value);
    } catch (error) {
      invalid.push({ key, why: whyInvalid(error) });
    }
  }
  return found;
}

/** The key alone as a range. */
export const keyRange = (key: string): KeyRange => ({ start: key, end: `${key}\0` });

/** Nodes from the three families of keys. */
export function nodesOf(items: readonly KeyValue[]): {
  readonly nodes: Nodes;
  readonly invalid: readonly InvalidRecord[];
} {
  const invalid: InvalidRecord[] = [];
  const family = (range: KeyRange): readonly KeyValue[] =>
    items.filter(({ key }) => key.startsWith(range.start));
  const facts = decodeAll(family(NODES), decodeNode, invalid);
  const alive = decodeAll(family(NODES_ALIVE), decodeNodeAlive, invalid);
  const applied = decodeAll(family(APPLIED), decodeApplied, invalid);
  const names = [...new Set([...facts.keys(), ...alive.keys(), ...applied.keys()])].toSorted();
  return { nodes: { names, facts, alive, applied }, invalid };
}

/**
 * Reads the cluster, all at one revision.
 * @param options.service only this service and its instances
 * @throws SluiceError `unavailable`, `permission`
 */
export async function readCluster(
  store: Store,
  options: CallOptions & { readonly service?: string | undefined } = {},
): Promise<ClusterRead> {
  const { service, ...call } = options;
  const { revision, item: generation } = await store.get(GENERATION_KEY, call);
  const specs =
    service === undefined ? [SERVICES, INSTANCES] : [keyRange(serviceKey(service)), instancesOf(service)];
  const at = { ...call, revision };
  const read = async (ranges: readonly KeyRange[]): Promise<readonly KeyValue[]> =>
    (await Promise.all(ranges.map((range) => store.list(range, at)))).flatMap(({ items }) => items);
  const [specItems, nodeItems] = await Promise.all([read(specs), read([NODES, NODES_ALIVE, APPLIED])]);
  const view = snapshotOf(specItems, revision);
  const { nodes, invalid } = nodesOf(nodeItems);
  return {
    revision,
    specRevision: generation?.modRevision ?? 0,
    snapshot: view.snapshot,
    nodes,
    invalid: [...view.invalid, ...invalid].toSorted((a, b) => (a.key < b.key ? -1 : 1)),
  };
}
