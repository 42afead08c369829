/**
 * Owns the Dataplane interface: a ruleset into a kernel, and back out of it. Implementations (iptables, memory, later nftables)
 * pass one contract suite.
 */
import type { Ruleset } from '../rules/ruleset.ts';

/** What one `apply` did. Counts are of rules and chains really sent to the kernel. */
export interface ApplyReport {
  readonly chainsChanged: number;
  readonly chainsRemoved: number;
  readonly rulesWritten: number;
  readonly routesChanged: number;
  /** True if nothing differed and nothing was sent. */
  readonly unchanged: boolean;
  /** Hash over the canonical text of all our rules as now installed. */
  readonly rulesHash: string;
  /** Things that could not be applied though the rest was, one line each. */
  readonly failures: readonly string[];
}

/** Where the addresses of entries are answered from. */
export interface LocalFacts {
  /** The node's primary address of each family: source of the node's own connections to entries. */
  readonly nodeIpv4?: string | undefined;
  readonly nodeIpv6?: string | undefined;
}

/** A kernel (or a stateful model of one). Methods must not run at the same time; the caller serialises. */
export interface Dataplane {
  /** e.g. 'iptables-nft', 'iptables-legacy', 'memory'. */
  readonly name: string;
  /**
   * Reads back what is installed and takes over what is ours, so that the next `apply` changes only what differs.
   * Called at start, and whenever the kernel may have changed behind our back.
   * @throws SluiceError `config` (tool missing or too old), `permission`, `failed`
   */
  readonly adopt: () => Promise<void>;
  /**
   * Brings the kernel to the ruleset: rules in one transaction (first loads in chunks), then routes. On an error it reads back, diffs again
   * and tries once more.
   * @throws SluiceError `failed`; the kernel then holds the old rules, whole
   */
  readonly apply: (ruleset: Ruleset, facts: LocalFacts) => Promise<ApplyReport>;
  /** The rules of ours that are in the kernel now, in the layout's own words, sorted. */
  readonly dump: () => Promise<string>;
  /** Removes every trace of ours, and nothing else. */
  readonly cleanup: () => Promise<void>;
}
