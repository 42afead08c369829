/** Owns the shape of rendered rules of the nftables layout, one family at a time: what is ours in its table. Pure data. */
import { SluiceError } from '../../errors.ts';

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

/** A chain with its rules. */
export interface NftChain {
  readonly name: string;
  readonly lines: readonly string[];
}

/** A part of what is in a table, that is one object as long as nothing in it changes: what belongs to one entry, or to none. */
export interface NftUnit {
  readonly chains: readonly NftChain[];
  /** Keys of the verdict map with their chains. */
  readonly entries: readonly (readonly [string, string])[];
  /** Addresses of instances; others may have the same. */
  readonly ips: readonly string[];
  /** Sets of clients. */
  readonly clients: readonly string[];
}

/** What is wrong if two chains have one name. */
export const repeatedChain = (): SluiceError =>
  new SluiceError('internal', 'two chains would have one name', {
    why: 'an entry is repeated in the ruleset',
  });

/** Units together, in their order. @throws SluiceError `internal` if two chains have one name */
export function rulesOf(units: readonly NftUnit[]): NftRules {
  const chains = new Map<string, readonly string[]>();
  let count = 0;
  for (const unit of units) {
    count += unit.chains.length;
    for (const { name, lines } of unit.chains) chains.set(name, lines);
  }
  if (chains.size !== count) throw repeatedChain();
  return {
    chains,
    entries: new Map(units.flatMap(({ entries }) => entries)),
    hairpin: new Set(units.flatMap(({ ips }) => ips)),
    clients: new Set(units.flatMap(({ clients }) => clients)),
  };
}
