/** Owns the shape of rendered rules of the nftables layout, one family at a time: what is ours in its table. Pure data. */

/** Chains of ours with their rules, by name, each rule as `nft -n list` prints it. */
export type Chains = ReadonlyMap<string, readonly string[]>;

/** Everything of ours that is desired in, or read from, a table. */
export interface NftRules {
  readonly chains: Chains;
  /** Keys of the verdict map (`10.96.0.1 . 6 . 80`) → chain. */
  readonly entries: ReadonlyMap<string, string>;
  /** Instance addresses for which a call of themselves is masqueraded. */
  readonly hairpin: ReadonlySet<string>;
  /** Sets of clients, one an instance of an entry with session affinity. */
  readonly clients: ReadonlySet<string>;
}

/** An empty table. */
export const NO_RULES: NftRules = {
  chains: new Map(),
  entries: new Map(),
  hairpin: new Set(),
  clients: new Set(),
};
