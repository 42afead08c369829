/**
 * Owns `top`: what nodes measured, by node and by service. A figure that nobody measured is undefined, and only samples of now count towards a
 * service, so that sums say of how many instances they are.
 */
import { decodeLoad, type InstanceLoad, instanceKey, type NodeLoad } from '../model/load.ts';
import { LOADS } from '../store/keys.ts';
import { whyInvalid } from '../store/snapshot.ts';
import { readCluster, readNodes } from './cluster-read.ts';
import type { ReadDeps } from './deps.ts';
import type { ReadOptions } from './list.ts';
import type { InvalidRecord, ListView } from './views.ts';

/**
 * What is known of a node's sample. `stale`: by this machine's clock it is not of now, so the node's monitor hangs, or the two clocks differ;
 * `missing`: there is none, the node is silent or runs no monitor.
 */
type SampleState = 'fresh' | 'stale' | 'missing' | 'unreadable';

/** A node and what it measured. */
export interface TopNode {
  readonly node: string;
  /** Its agent renews its lease. */
  readonly alive: boolean;
  readonly sample: SampleState;
  readonly at: string | undefined;
  /** By the clock of this machine; below 0 if the node's clock is ahead. */
  readonly ageSeconds: number | undefined;
  /** Parts of 1. */
  readonly cpu: number | undefined;
  readonly psiCpuSome10: number | undefined;
  readonly cores: number | undefined;
  readonly memoryUsedBytes: number | undefined;
  readonly memoryTotalBytes: number | undefined;
  readonly load1: number | undefined;
  /** Instances that it measures. */
  readonly instances: number | undefined;
  /** Established connections of those. */
  readonly connections: number | undefined;
  /** New connections a second that it sent to instances anywhere. */
  readonly newPerSecond: number | undefined;
}

/** A service and what was measured of its instances. */
export interface TopService {
  readonly service: string;
  readonly instances: number;
  /** How many of them a sample of now tells something of. */
  readonly sampled: number;
  /** Mean and highest of those whose cpu is known, each of what it may use. */
  readonly cpu: number | undefined;
  readonly cpuMax: number | undefined;
  /** Sums over those of which it is known. */
  readonly cpuCores: number | undefined;
  readonly memoryBytes: number | undefined;
  readonly connections: number | undefined;
  readonly acceptQueue: number | undefined;
  readonly newPerSecond: number | undefined;
}

/** Five beats. */
const STALE_MS = 10_000;

interface Loads {
  readonly loads: ReadonlyMap<string, NodeLoad>;
  readonly invalid: readonly InvalidRecord[];
}

async function readLoads({ store }: ReadDeps, options: ReadOptions): Promise<Loads> {
  const { items } = await store.list(LOADS, options);
  const loads = new Map<string, NodeLoad>();
  const invalid: InvalidRecord[] = [];
  for (const { key, value } of items) {
    const node = key.slice(LOADS.start.length);
    try {
      loads.set(node, decodeLoad(node, value).value);
    } catch (error) {
      invalid.push({ key, why: whyInvalid(error) });
    }
  }
  return { loads, invalid };
}

const isFresh = ({ at }: NodeLoad, nowMs: number): boolean => Math.abs(nowMs - at) <= STALE_MS;

/** Sum of what is known; undefined if nothing is. */
function sumOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0);
}

/** RFC 3339; undefined for a time that no calendar has. */
const timeOf = (ms: number): string | undefined => (ms <= 8.64e15 ? new Date(ms).toISOString() : undefined);

function topNode(node: string, load: NodeLoad | undefined, nowMs: number): Omit<TopNode, 'alive'> {
  const instances = load && Object.values(load.instances);
  return {
    node,
    sample: load === undefined ? 'missing' : isFresh(load, nowMs) ? 'fresh' : 'stale',
    at: load && timeOf(load.at),
    ageSeconds: load && Math.round((nowMs - load.at) / 1_000),
    cpu: load?.cpu,
    psiCpuSome10: load?.psiCpuSome10,
    cores: load?.cores,
    memoryUsedBytes: load?.memoryUsedBytes,
    memoryTotalBytes: load?.memoryTotalBytes,
    load1: load?.load1,
    instances: instances?.length,
    connections: instances && sumOf(instances.map(({ connections }) => connections)),
    newPerSecond: load && sumOf(Object.values(load.newConnections)),
  };
}

/** All nodes that ever were, sorted by name. @throws SluiceError `unavailable`, `permission` */
export async function topNodes(deps: ReadDeps, options: ReadOptions = {}): Promise<ListView<TopNode>> {
  const [{ revision, nodes, invalid }, read] = await Promise.all([
    readNodes(deps.store, options),
    readLoads(deps, options),
  ]);
  const nowMs = deps.clock.now().getTime();
  const unreadable = new Set(read.invalid.map(({ key }) => key.slice(LOADS.start.length)));
  const names = [...new Set([...nodes.names, ...read.loads.keys(), ...unreadable])].toSorted();
  const items = names.map((name): TopNode => {
    const top = { ...topNode(name, read.loads.get(name), nowMs), alive: nodes.alive.has(name) };
    return unreadable.has(name) ? { ...top, sample: 'unreadable' } : top;
  });
  return { revision, items, invalid: [...invalid, ...read.invalid] };
}

/** What is known of one instance: from its own node, and whether somebody counts what is sent to it. */
interface Known {
  readonly load: InstanceLoad | undefined;
  readonly isCounted: boolean;
}

function topService(service: string, known: readonly Known[], newPerSecond: number | undefined): TopService {
  const loads = known.map(({ load }) => load);
  const cpus = loads.flatMap((load) => load?.cpu ?? []);
  const isKnown = ({ load, isCounted }: Known): boolean => isCounted || Object.keys(load ?? {}).length > 0;
  return {
    service,
    instances: known.length,
    sampled: known.filter(isKnown).length,
    cpu: cpus.length === 0 ? undefined : (sumOf(cpus) ?? 0) / cpus.length,
    cpuMax: cpus.length === 0 ? undefined : Math.max(...cpus),
    cpuCores: sumOf(loads.map((load) => load?.cpuCores)),
    memoryBytes: sumOf(loads.map((load) => load?.memoryBytes)),
    connections: sumOf(loads.map((load) => load?.connections)),
    acceptQueue: sumOf(loads.map((load) => load?.acceptQueue)),
    newPerSecond,
  };
}

/** All services, sorted by name. @throws SluiceError `unavailable`, `permission` */
export async function topServices(deps: ReadDeps, options: ReadOptions = {}): Promise<ListView<TopService>> {
  const [{ revision, snapshot, invalid }, read] = await Promise.all([
    readCluster(deps.store, options),
    readLoads(deps, options),
  ]);
  const nowMs = deps.clock.now().getTime();
  const instances = new Map<string, InstanceLoad>();
  const counted = new Set<string>();
  const rates = new Map<string, number>();
  for (const load of read.loads.values()) {
    if (!isFresh(load, nowMs)) continue;
    for (const [key, own] of Object.entries(load.instances)) instances.set(key, own);
    for (const key of Object.keys(load.newConnections)) counted.add(key);
    for (const [service, rate] of Object.entries(load.serviceConnections ?? {}))
      rates.set(service, (rates.get(service) ?? 0) + rate);
  }
  const items = [...snapshot.services.keys()].toSorted().map((service) =>
    topService(
      service,
      (snapshot.instances.get(service) ?? []).map(({ value }) => {
        const key = instanceKey(service, value.id);
        return { load: instances.get(key), isCounted: counted.has(key) };
      }),
      rates.get(service),
    ),
  );
  return { revision, items, invalid: [...invalid, ...read.invalid] };
}
