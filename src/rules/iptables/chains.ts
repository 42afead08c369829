/** Owns the shape of rendered rules: chains of one IP family by name. Pure data. */

/** One chain of ours with its rules in order, each a whole line `-A CHAIN …` as iptables-save prints it. */
export interface Chain {
  readonly name: string;
  readonly lines: readonly string[];
}

/** Chains of ours of one family, by name. */
export type Chains = ReadonlyMap<string, readonly string[]>;
