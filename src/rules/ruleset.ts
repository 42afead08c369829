/**
 * Owns the ruleset as data: what the kernel shall do, without a word of how a layout writes it. Pure. Everything here is sorted
 * and without repeats, so that equal desired state gives equal bytes.
 */
import type { Address } from '../model/address.ts';
import type { Entry } from '../model/entry.ts';

/** One forwarding rule: new connections go here with share weight / Σ weights. */
export interface RuleTarget extends Address {
  /** Integer ≥ 1; instances with weight 0 have no rule. */
  readonly weight: number;
}

/** What happens to connections to one entry. */
export interface EntryRules {
  readonly entry: Entry;
  readonly service: string;
  readonly masquerade: boolean;
  /** Seconds for which a client stays with its instance after its last new connection; undefined for no session affinity. */
  readonly affinitySeconds?: number | undefined;
  /** Rule order: index 0 is rule 1 (the oldest, evaluated last); the newest instance stands at the end and is evaluated first. Only the entry's own IP family. */
  readonly targets: readonly RuleTarget[];
}

/** The desired ruleset of a node, sorted by entry. */
export interface Ruleset {
  readonly entries: readonly EntryRules[];
}
