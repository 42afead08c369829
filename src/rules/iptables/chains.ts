/** Owns the shape of rendered rules: chains of one IP family by name. Pure data. */
import { SluiceError } from '../../errors.ts';

/** One chain of ours with its rules in order, each a whole line `-A CHAIN …` as iptables-save prints it. */
export interface Chain {
  readonly name: string;
  readonly lines: readonly string[];
}

/** Chains of ours of one family, by name. */
export type Chains = ReadonlyMap<string, readonly string[]>;

/** Chains that are one object as long as nothing in them changes: those of an entry, or one of the way to it. */
export type ChainUnit = readonly Chain[];

/** Chains by name, in the order of the units. @throws SluiceError `internal` if two chains have one name */
export function chainsOf(units: readonly ChainUnit[]): Chains {
  const chains = new Map<string, readonly string[]>();
  for (const unit of units) {
    for (const { name, lines } of unit) {
      if (chains.has(name)) {
        throw new SluiceError('internal', `two chains would be called ${name}`, {
          why: 'an entry is repeated in the ruleset, or two names have the same hash',
        });
      }
      chains.set(name, lines);
    }
  }
  return chains;
}
