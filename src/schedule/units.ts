/** Owns what one instance of a managed service is to the leader: assignment and instance side by side, and where it stands. Pure. */
import type { Assignment, DrainOrder } from '../model/assignment.ts';
import type { NodeFacts } from '../model/node.ts';
import type { Instance, InstanceState, Stored } from '../model/service.ts';
import type { NodeStandings } from './nodes.ts';
import { type ClusterView, unitKey } from './view.ts';

/** `failed` must last this long to count: an agent that tries again at once is not disturbed. */
const FAILED_AFTER_MS = 5_000;

/** Where an instance stands. */
export type Standing =
  /** It has stopped: its keys go. */
  | 'finished'
  /** It was told to stop, or runs without an assignment. */
  | 'leaving'
  /** Its node is lost. */
  | 'lost'
  /** People took it out at once, or emptied its node at once. */
  | 'forced-out'
  /** Its node cannot run it. */
  | 'broken'
  | 'active';

/** One instance. */
export interface Unit {
  readonly service: string;
  readonly id: string;
  /** Undefined for an instance that names none. */
  readonly node: string | undefined;
  readonly assignment: Stored<Assignment> | undefined;
  readonly instance: Stored<Instance> | undefined;
  readonly state: InstanceState;
  readonly templateHash: string | undefined;
  readonly standing: Standing;
  /** Gets connections now, as far as is known: its node is not silent. */
  readonly ready: boolean;
  /** Its node is silent, cordoned or drained: the first to be given up. */
  readonly onPoorNode: boolean;
  /** What people asked: of itself or of its node. */
  readonly drain: DrainOrder | undefined;
  /** Its node's order to be emptied. */
  readonly nodeDrain: DrainOrder | undefined;
  /** For how long it has not been ready. */
  readonly unreadyMs: number;
}

function standingOf(parts: {
  readonly assignment: Stored<Assignment> | undefined;
  readonly instance: Stored<Instance> | undefined;
  readonly drain: DrainOrder | undefined;
  readonly isLost: boolean;
  readonly failedMs: number;
}): Standing {
  const { assignment, instance } = parts;
  if (instance?.value.state === 'stopped') return 'finished';
  if (parts.isLost) return 'lost';
  if (assignment === undefined || assignment.value.stop !== undefined) return 'leaving';
  if (parts.drain?.force === true) return 'forced-out';
  if (instance?.value.state === 'crashloop') return 'broken';
  return instance?.value.state === 'failed' && parts.failedMs >= FAILED_AFTER_MS ? 'broken' : 'active';
}

/** What units are read with. */
export interface UnitContext {
  readonly view: ClusterView;
  readonly nodes: NodeStandings;
  readonly nowMs: number;
}

interface Pair {
  readonly service: string;
  readonly id: string;
  readonly assignment: Stored<Assignment> | undefined;
  readonly instance: Stored<Instance> | undefined;
}

/** The order that holds: a forced one before the other, the instance's own before its node's. */
function drainOf(own: DrainOrder | undefined, nodes: DrainOrder | undefined): DrainOrder | undefined {
  return nodes?.force === true && own?.force !== true ? nodes : (own ?? nodes);
}

/** Why a drained one goes, one line: `node/n2 drained by anna`, `i7 drained by anna: disk`. */
export function drainedWhy(order: DrainOrder, { id, node, instance }: Unit): string {
  const what = order === instance?.value.drain ? id : `node/${node ?? ''}`;
  return `${what} drained by ${order.by}${order.reason === undefined ? '' : `: ${order.reason}`}`;
}

function unitOf(context: UnitContext, { service, id, assignment, instance }: Pair): Unit {
  const { view, nodes, nowMs } = context;
  const node = assignment?.value.node ?? instance?.value.node;
  const facts: NodeFacts | undefined = view.nodes.get(node ?? '')?.facts?.value;
  const waiting = view.memory.waiting.get(unitKey(service, id));
  const state = instance?.value.state ?? 'pending';
  const failedMs = waiting?.state === 'failed' ? nowMs - waiting.stateSinceMs : 0;
  const isLost = node === undefined ? false : nodes.lost.has(node);
  const drain = drainOf(instance?.value.drain, facts?.drain);
  const standing = standingOf({ assignment, instance, drain, isLost, failedMs });
  const silent = node !== undefined && nodes.silent.has(node);
  return {
    service,
    id,
    node,
    assignment,
    instance,
    state,
    templateHash: assignment?.value.templateHash ?? instance?.value.templateHash,
    standing,
    ready: standing === 'active' && state === 'ready' && !silent,
    onPoorNode: silent || facts?.cordoned === true || facts?.drain !== undefined,
    drain,
    nodeDrain: facts?.drain,
    unreadyMs: state === 'ready' || waiting === undefined ? 0 : nowMs - waiting.unreadySinceMs,
  };
}

/** All instances by service, each sorted by id; also of services that are no more. */
export function unitsByService(context: UnitContext): ReadonlyMap<string, readonly Unit[]> {
  const pairs = new Map<string, Map<string, Pair>>();
  const byId = (service: string): Map<string, Pair> => {
    const known = pairs.get(service) ?? new Map<string, Pair>();
    pairs.set(service, known);
    return known;
  };
  for (const assignment of context.view.assignments) {
    const { service, id } = assignment.value;
    byId(service).set(id, { service, id, assignment, instance: undefined });
  }
  for (const instances of context.view.instances.values()) {
    for (const instance of instances) {
      const { service, id, origin } = instance.value;
      const assignment = pairs.get(service)?.get(id)?.assignment;
      if (origin === 'managed') byId(service).set(id, { service, id, assignment, instance });
    }
  }
  const units = [...pairs].map(([service, known]) => {
    const sorted = [...known.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
    return [service, sorted.map((pair) => unitOf(context, pair))] as const;
  });
  return new Map(units);
}

/** Instances by node. */
export function perNode(units: readonly Unit[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { node = '' } of units) counts.set(node, (counts.get(node) ?? 0) + 1);
  return counts;
}
