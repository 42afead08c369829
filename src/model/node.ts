/** Owns what nodes say of themselves: facts, liveness and acknowledgement. Pure data. */

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
}

/** `node-alive/<node>`, leased: the agent of this boot is alive. */
export interface NodeAlive {
  readonly name: string;
  readonly since: string;
}

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
