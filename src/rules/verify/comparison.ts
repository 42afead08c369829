/** Owns the words of verify: what of the installed rules differs, and what they counted. Every layout gives these. Pure data. */
import type { Entry } from '../../model/entry.ts';

/** What of ours a difference is in; rules of a layout that is not used any more are `leftovers`. */
export type DifferencePart = 'rules' | 'leftovers' | 'guard' | 'forwarding' | 'routes';

/** A chain, map, set or list of routes that is not as it should be. */
export interface Difference {
  readonly part: DifferencePart;
  /** What differs, e.g. a chain, or `set entries4 of inet sluice_guard`. */
  readonly chain: string;
  /** Undefined for what all services share: hooks, tree, masquerade. */
  readonly service: string | undefined;
  /** Lines that are missing, in their order; the first few. */
  readonly missing: readonly string[];
  /** Lines that should not be there; the first few. */
  readonly unwanted: readonly string[];
  /** One line. */
  readonly fix: string;
}

/** How the counts of a tally may lie around their shares. */
export type TallyKind =
  /** By chance; counts begin when the chain is written, with the shares that stand in it. */
  | { readonly kind: 'chance' }
  /**
   * By turns: each count is off its share by no more than its slack, in any run of connections under the same rules. Counts go on through
   * changes of the shares.
   */
  | {
      readonly kind: 'turns';
      readonly slack: readonly number[];
      /** Time between the reading of the first and of the last counter. */
      readonly skewMs: number;
    }
  /** Clients stay with their instance: the counts say nothing of the shares. */
  | { readonly kind: 'clients' };

/** Connections that were counted at one choice, with the shares that it gives. */
export interface Tally {
  readonly entry: Entry;
  readonly service: string;
  /** All connections of the entry, for its first choice; 0 for a choice below it. */
  readonly connections: number;
  readonly counts: readonly number[];
  readonly shares: readonly number[];
  readonly how: TallyKind;
}

/** What was found of one IP family. */
export interface Comparison {
  readonly differences: readonly Difference[];
  readonly tallies: readonly Tally[];
}
