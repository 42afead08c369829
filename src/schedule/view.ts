/** Owns what the leader decides from: the cluster as it was read, and what it remembers of the time before. Pure data. */
import type { Assignment } from '../model/assignment.ts';
import type { ComputedWeights } from '../model/computed-weights.ts';
import type { NodeFacts, Reaches } from '../model/node.ts';
import type { Instance, InstanceState, Service, Stored } from '../model/service.ts';

/** A node as the store has it. */
export interface NodeView {
  readonly name: string;
  /** Undefined if it never said anything, or what it said cannot be read. */
  readonly facts: Stored<NodeFacts> | undefined;
  /** Mod revision of its marker; undefined: silent. */
  readonly aliveRevision: number | undefined;
  /** What its marker says of others. */
  readonly reaches?: Reaches | undefined;
}

/** The cluster as the store has it. */
export interface ClusterState {
  readonly services: ReadonlyMap<string, Stored<Service>>;
  /** Managed instances by service. */
  readonly instances: ReadonlyMap<string, readonly Stored<Instance>[]>;
  /** Instances that Sluice does not run, of services whose weights are computed. */
  readonly listed: ReadonlyMap<string, readonly Stored<Instance>[]>;
  /** Computed weights by service. */
  readonly weights: ReadonlyMap<string, Stored<ComputedWeights>>;
  readonly assignments: readonly Stored<Assignment>[];
  readonly nodes: ReadonlyMap<string, NodeView>;
  /** Services about which a record cannot be read, and why: nothing is decided about them. */
  readonly unreadable: ReadonlyMap<string, string>;
}

/** Names of the nodes that are alive: those that forward. */
export const liveNodes = ({ nodes }: Pick<ClusterState, 'nodes'>): readonly string[] =>
  [...nodes.values()].flatMap(({ name, aliveRevision }) => (aliveRevision === undefined ? [] : [name]));

/** What is decided from. Every write that follows compares what it was based on, so a view that is behind does no harm. */
export interface ClusterView extends ClusterState {
  readonly memory: Memory;
}

/** Now, on two clocks. */
export interface Now {
  /** Monotonic; what is compared. */
  readonly ms: number;
  /** RFC 3339; what is written down. */
  readonly at: string;
}

/** What a leader remembers; another one begins with less and is therefore slower, never bolder. Times are monotonic milliseconds. */
export interface Memory {
  /** When it first looked: what was silent then had been so before. Undefined: it has not looked yet. */
  readonly sinceMs: number | undefined;
  /** Until when it had lost the store, undefined if it never had. */
  readonly storeBackMs: number | undefined;
  /** Since when a node has been silent. */
  readonly silentSinceMs: ReadonlyMap<string, number>;
  /** Since when others have found a node to be out of reach. */
  readonly awaySinceMs: ReadonlyMap<string, number>;
  /** Of every assigned instance that is not ready: by `SERVICE/ID`. */
  readonly waiting: ReadonlyMap<string, Waiting>;
  /** Where instances failed: by `SERVICE/TEMPLATE HASH/NODE`. */
  readonly failures: ReadonlyMap<string, Failure>;
}

/** An instance that is not ready. */
export interface Waiting {
  readonly state: InstanceState;
  /** It failed, or stopped though nobody asked it to. */
  readonly failed: boolean;
  readonly stateSinceMs: number;
  readonly unreadySinceMs: number;
}

/** How often instances of one template failed on one node. */
export interface Failure {
  readonly count: number;
  readonly lastMs: number;
}

/** Name of an instance in the memory. */
export const unitKey = (service: string, id: string): string => `${service}/${id}`;

/** Name of a place where a template failed. */
export const failureKey = (service: string, templateHash: string, node: string): string =>
  `${service}/${templateHash}/${node}`;
