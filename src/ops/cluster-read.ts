/** Owns reading the whole cluster at one revision: services, instances, and what nodes say of themselves. */
import { nodesOutOfReach, type Said } from '../health/votes.ts';
import { type Away, awayOf } from '../health/without-away.ts';
import type { Leader } from '../model/decision.ts';
import type { Applied, Holder, NodeAlive, NodeFacts } from '../model/node.ts';
import { decodeLeader } from '../model/records-leader.ts';
import { decodeApplied, decodeHolder, decodeNode, decodeNodeAlive } from '../model/records-node.ts';
import type { Snapshot } from '../model/snapshot.ts';
import {
  AGENT_RANGE,
  APPLIED,
  GENERATION_KEY,
  HOLDERS,
  instancesOf,
  LEADER_KEY,
  NODES,
  NODES_ALIVE,
  serviceKey,
  weightsKey,
} from '../store/keys.ts';
import { isOfSnapshot, type ReadingOptions, snapshotReading, whyInvalid } from '../store/snapshot.ts';
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

/** What live nodes say of others. */
export const saidIn = ({ alive }: Nodes): Said =>
  new Map([...alive].map(([name, { reaches }]) => [name, reaches] as const));

/** What is out of reach by what live nodes say: its instances get no connections. */
export function awayIn(nodes: Nodes): Away {
  const addresses = new Map([...nodes.facts].map(([name, facts]) => [name, facts.addresses] as const));
  return awayOf(nodesOutOfReach({ away: new Set() }, saidIn(nodes)), addresses);
}

/** The cluster at one revision. */
export interface ClusterRead {
  readonly revision: number;
  /** Revision of the last spec write of all: what agents should have applied. 0 if there was none. */
  readonly specRevision: number;
  readonly snapshot: Snapshot;
  readonly nodes: Nodes;
  /** Who answers for addresses of announced entries, by address. */
  readonly holders: ReadonlyMap<string, Holder>;
  /** Who decides for managed services; undefined if nobody does. */
  readonly leader: Leader | undefined;
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

/** Who leads, by the key that the holder's lease keeps. */
export function leaderOf(items: readonly KeyValue[]): {
  readonly leader: Leader | undefined;
  readonly invalid: readonly InvalidRecord[];
} {
  const invalid: InvalidRecord[] = [];
  const held = items.filter(({ key }) => key === LEADER_KEY);
  const found = decodeAll(held, (_name, json) => decodeLeader(json), invalid);
  return { leader: [...found.values()][0], invalid };
}

/** All nodes: facts and markers lie side by side. */
const NODE_FAMILIES: KeyRange = { start: NODES_ALIVE.start, end: NODES.end };

/** Specs and nodes: of the whole cluster one range, which costs one call; of one service its own keys. */
function rangesOf(service: string | undefined): readonly [KeyRange, ...KeyRange[]] {
  if (service === undefined) return [AGENT_RANGE];
  const keys = [GENERATION_KEY, LEADER_KEY, serviceKey(service), weightsKey(service)].map(keyRange);
  const [first = keyRange(GENERATION_KEY), ...others] = keys;
  return [first, ...others, instancesOf(service), NODE_FAMILIES, HOLDERS];
}

/** Lists ranges, all at the revision of the first. */
async function listAtOnce(
  store: Store,
  [first, ...others]: readonly [KeyRange, ...KeyRange[]],
  call: CallOptions,
): Promise<{ readonly items: readonly KeyValue[]; readonly revision: number }> {
  const { items, revision } = await store.list(first, call);
  const rest = await Promise.all(others.map((range) => store.list(range, { ...call, revision })));
  return { items: [items, ...rest.map((listing) => listing.items)].flat(), revision };
}

/** What of the cluster is read, and how. */
export interface ClusterReadOptions extends CallOptions, ReadingOptions {
  /** Only this service and its instances. */
  readonly service?: string | undefined;
}

/**
 * Reads the cluster, all at one revision.
 * @throws SluiceError `unavailable`, `permission`
 */
export async function readCluster(store: Store, options: ClusterReadOptions = {}): Promise<ClusterRead> {
  const { service, known, pace, ...call } = options;
  const { items, revision } = await listAtOnce(store, [...rangesOf(service), APPLIED], call);
  // Far the most of them are services and their instances.
  const others = items.filter(({ key }) => !isOfSnapshot(key));
  await pace?.();
  const view = await snapshotReading(items, revision, { known, pace });
  await pace?.();
  const { nodes, invalid: invalidNodes } = nodesOf(others);
  const { leader, invalid: badLeader } = leaderOf(others);
  const invalid = [...invalidNodes, ...badLeader];
  const claims = others.filter(({ key }) => key.startsWith(HOLDERS.start));
  const holders = decodeAll(claims, decodeHolder, invalid);
  return {
    revision,
    specRevision: others.find(({ key }) => key === GENERATION_KEY)?.modRevision ?? 0,
    snapshot: view.snapshot,
    nodes,
    holders,
    leader,
    invalid: [...view.invalid, ...invalid].toSorted((a, b) => (a.key < b.key ? -1 : 1)),
  };
}

/** Reads what nodes say of themselves, and nothing else. @throws SluiceError `unavailable`, `permission` */
export async function readNodes(
  store: Store,
  call: CallOptions = {},
): Promise<Pick<ClusterRead, 'revision' | 'nodes' | 'invalid'>> {
  const { items, revision } = await listAtOnce(store, [NODE_FAMILIES, APPLIED], call);
  return { revision, ...nodesOf(items) };
}
