/** Owns what nodes say of themselves: facts, liveness and acknowledgement. Pure data. */
import type { DrainOrder } from './assignment.ts';
import type { DriverName } from './template.ts';

/** Facts of a node, `node/<node>`. */
export interface NodeFacts {
  readonly name: string;
  /** Canonical addresses of the node, the primary first. */
  readonly addresses: readonly string[];
  /** Networks on its links, `ADDRESS/BITS`; undefined from agents that do not say. */
  readonly networks?: readonly string[] | undefined;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly version: string;
  readonly kernel: string;
  /** e.g. 'iptables-nft', 'iptables-legacy'. */
  readonly dataplane: string;
  readonly startedAt: string;
  /** Set by the node's own configuration. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Drivers that work here and that the node's policy allows; undefined from agents that do not say. */
  readonly drivers?: readonly DriverName[] | undefined;
  /** Drivers that do not work here or are not allowed, `NAME: why`; undefined from agents that do not say. */
  readonly missingDrivers?: readonly string[] | undefined;
  /** Set by people: nothing new is placed here. */
  readonly cordoned?: boolean | undefined;
  /** Set by people: cordoned, and everything that Sluice started here goes elsewhere. */
  readonly drain?: DrainOrder | undefined;
}

/** `node-alive/<node>`, leased: the agent of this boot is alive. */
export interface NodeAlive {
  readonly name: string;
  readonly since: string;
  /**
   * Nodes that this one asks for a sign of life: whether they answer. Those that it never had an answer from are not in it, as nothing can be said of
   * them; undefined from agents that do not ask.
   */
  readonly reaches?: Reaches | undefined;
}

/** Whether other nodes answer, by name. */
export type Reaches = Readonly<Record<string, boolean>>;

/** Claim `holder/<ip>`, leased with `node-alive/<node>`: this node answers for the address of an announced entry. */
export interface Holder {
  readonly ip: string;
  readonly node: string;
  readonly since: string;
}

/** Acknowledgement `applied/<node>`, leased: what is in the node's kernel. */
export interface Applied {
  readonly node: string;
  /** Store revision that the kernel rules show. */
  readonly revision: number;
  /** Hash of the canonical ruleset; equal on all nodes with equal desired state and layout. */
  readonly rulesHash: string;
  readonly entries: number;
  readonly instances: number;
  readonly appliedAt: string;
  /** What could not be applied, one line each; empty when all is well. */
  readonly failures: readonly string[];
}
