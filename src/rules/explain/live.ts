/**
 * Owns the words for live rules of any kind (iptables-nft, iptables-legacy, native nftables): tables, chains, rules that can be asked
 * what they do with a packet. Pure data and pure functions; how a rule is read is the business of the parsers.
 */
import type { Certainty, Packet } from './packet.ts';

/** Where the kernel asks rules. */
export type HookName = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';

/** What a rule does with a packet that it matches. */
export type Verdict =
  | { readonly kind: 'next' | 'accept' | 'drop' | 'reject' | 'return' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  /** Rewrites the destination; a part that is undefined stays as it is. A range is named by its text. */
  | {
      readonly kind: 'dnat';
      readonly ip: string | undefined;
      readonly port: number | undefined;
      readonly text: string;
    }
  /** To a port of this node itself. */
  | { readonly kind: 'redirect'; readonly port: number | undefined }
  /** Rewrites the source. */
  | { readonly kind: 'snat'; readonly text: string }
  /** Something that cannot be evaluated (a queue, a proxy …). */
  | { readonly kind: 'unknown'; readonly text: string };

/** One way out of a rule: with this chance (of those that match) the verdict. */
export interface Branch {
  readonly chance: number;
  readonly verdict: Verdict;
}

/** What a rule says of a packet. */
export interface Evaluation {
  readonly match: Certainty;
  /** What makes it a maybe, in the rule's own words. */
  readonly unknown: readonly string[];
  /** Chances sum to at most 1; the rest goes on to the next rule. */
  readonly branches: readonly Branch[];
  /** The packet as it leaves the rule (marks, tracking). */
  readonly packet: Packet;
}

/** A rule as it stands in the kernel. */
export interface LiveRule {
  /** As its tool prints it. */
  readonly text: string;
  /** Packets that it matched so far; undefined if it does not count. */
  readonly packets: number | undefined;
  /** The command that removes it. */
  readonly remove: string;
  readonly evaluate: (packet: Packet) => Evaluation;
}

/** A chain; rules are read when they are asked for, since a node may have 100,000. */
export interface LiveChain {
  readonly name: string;
  readonly rules: () => readonly LiveRule[];
}

/** A chain that the kernel itself asks. */
export interface BaseChain {
  readonly chain: string;
  readonly hook: HookName;
  readonly type: 'filter' | 'nat' | 'route';
  /** Lower is asked first. */
  readonly priority: number;
  readonly policy: 'accept' | 'drop';
}

/** Who manages a table. */
export type Owner = 'iptables-nft' | 'iptables-legacy' | 'nft';

/** A table with its chains. */
export interface LiveTable {
  readonly owner: Owner;
  /** For people: `nat (iptables-nft)`, `ip sluice (nft)`. */
  readonly title: string;
  readonly name: string;
  readonly chains: ReadonlyMap<string, LiveChain>;
  readonly bases: readonly BaseChain[];
}

/** A base chain with its table. */
export interface Place {
  readonly table: LiveTable;
  readonly base: BaseChain;
}

/** True for chains and tables of ours, whatever the layout. */
export function isOurs(table: LiveTable, chain: string): boolean {
  return chain.startsWith('SLUICE-') || (table.owner === 'nft' && /^sluice(-|_|$)/.test(table.name));
}

/**
 * The base chains of a hook in the order in which the kernel asks them. Of equal priority the one registered last is asked first;
 * when that was cannot be read, so of two nft tables the one listed later counts as later.
 */
export function placesOf(tables: readonly LiveTable[], hook: HookName): readonly Place[] {
  const places = tables.flatMap((table) =>
    table.bases.filter((base) => base.hook === hook).map((base): Place => ({ table, base })),
  );
  return places.toReversed().toSorted((a, b) => a.base.priority - b.base.priority);
}
