/**
 * Owns the Dataplane interface: a ruleset into a kernel, and back out of it. Implementations (iptables, nftables, memory) pass one
 * contract suite.
 */
import type { Address } from '../model/address.ts';
import type { Entry } from '../model/entry.ts';
import type { Ruleset } from '../rules/ruleset.ts';

/** What one `apply` did. Counts are of rules and chains really sent to the kernel. */
export interface ApplyReport {
  readonly chainsChanged: number;
  readonly chainsRemoved: number;
  readonly rulesWritten: number;
  readonly routesChanged: number;
  /** True if nothing differed and nothing was sent. */
  readonly unchanged: boolean;
  /** Hash over what all our rules as now installed do: equal on nodes that do the same, in whatever layout. */
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

/** New connections to an instance through an entry. */
export interface ConnectionCount {
  readonly entry: Entry;
  readonly instance: Address;
  /**
   * Since counting began. It goes on through a change of weights in the nftables layout; in the iptables layout it begins anew when the
   * rules of the entry are rewritten. A reader takes a smaller number than the last as a new beginning.
   */
  readonly connections: number;
  /** Where counting begins anew with the rules: stands for the rules of the entry as they are. */
  readonly rules?: string | undefined;
  /** There: connections through the entry to whatever instance, which go on when its rules are rewritten. */
  readonly entryConnections?: number | undefined;
}

/** A kernel (or a stateful model of one). Methods must not run at the same time; the caller serialises. */
export interface Dataplane {
  /** e.g. 'iptables-nft', 'iptables-legacy', 'nftables', 'memory'. */
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
   * @param ready what must be before packets meet the new rules: nothing that a packet can reach is sent until it resolves
   * @throws SluiceError `failed`; the kernel then holds the old rules, whole
   */
  readonly apply: (ruleset: Ruleset, facts: LocalFacts, ready?: Promise<unknown>) => Promise<ApplyReport>;
  /** The rules of ours that are in the kernel now, in the layout's own words, sorted. */
  readonly dump: () => Promise<string>;
  /**
   * New connections so far, by entry and instance, as the kernel counted them; an instance that had none may be missing.
   * @throws SluiceError `permission`, `failed`
   */
  readonly counters: () => Promise<readonly ConnectionCount[]>;
  /** Removes every trace of ours, and nothing else. */
  readonly cleanup: () => Promise<void>;
}
