/** Owns the words of verify: what of the installed rules differs, and what they counted. Every layout gives these. Pure data. */
import type { Entry } from '../../model/entry.ts';

/** A chain (or map) that is not as it should be. */
export interface Difference {
  readonly chain: string;
  /** Undefined for what all services share: hooks, tree, masquerade. */
  readonly service: string | undefined;
  /** Rules that are missing, in their order; the first few. */
  readonly missing: readonly string[];
  /** Rules that should not be there; the first few. */
  readonly unwanted: readonly string[];
}

/** Connections that the rules of one chain counted since it was written, with the chances that stand in it. */
export interface Tally {
  readonly entry: Entry;
  readonly service: string;
  readonly counts: readonly number[];
  readonly shares: readonly number[];
  /** True for the chain that all connections of the entry pass: its sum is their number. */
  readonly isWhole: boolean;
}

/** What was found of one IP family. */
export interface Comparison {
  readonly differences: readonly Difference[];
  readonly tallies: readonly Tally[];
}
