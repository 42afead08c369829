/** Owns reading `nft -s list table inet sluice_guard` back into data. Pure. */
import { protocolOf } from '../protocol-number.ts';
import { emptySets, GUARD_SETS, type GuardState } from './guard-state.ts';

/** The guard as found. */
export interface FoundGuard {
  /** Everything but the elements of the sets, in the words of this nft; to be compared as a whole. */
  readonly frame: string;
  readonly state: GuardState;
  /** It marks forwarded packets. */
  readonly marks: boolean;
}

const SET = /\tset (\w+) \{\n([^}]*?)(?:\t\telements = \{([^}]*)\}\n)?\t\}\n/g;

/** An element in the words of the guard: where there is no `/etc/protocols`, nft prints `10.96.0.1 . 6 . 80`. */
const named = (element: string): string =>
  element.replace(/ \. (\d+) \. /, (all, number: string) => {
    const protocol = protocolOf(number);
    return protocol === undefined ? all : ` . ${protocol} . `;
  });

/** Reads a listing in which ports are numbers, as nft prints them by default. */
export function parseGuard(listing: string): FoundGuard {
  const found = emptySets();
  for (const [, name, , elements = ''] of listing.matchAll(SET)) {
    const set = GUARD_SETS.find((known) => known === name);
    if (set === undefined) continue;
    for (const element of elements.split(','))
      if (element.trim() !== '') found[set].add(named(element.trim()));
  }
  const frame = listing.replaceAll(/\t\telements = \{[^}]*\}\n/g, '').replaceAll(/^#.*\n/gm, '');
  return { frame, state: found, marks: frame.includes('\tchain forwarded {\n') };
}
