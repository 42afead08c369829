/** Owns holding the guard as found against the one that the ruleset asks for: its chains word for word, its sets element by element. Pure. */
import type { FoundGuard } from '../guard/guard-listing.ts';
import { GUARD_SETS, guardOf } from '../guard/guard-state.ts';
import { GUARD_TABLE } from '../guard/guard-text.ts';
import type { Ruleset } from '../ruleset.ts';
import type { Difference } from './comparison.ts';
import { chainDifferences, differenceOf, setDifference } from './lines.ts';

/** What stands in the blocks of a frame, by the name of the block. */
function blocksOf(frame: string): ReadonlyMap<string, readonly string[]> {
  const blocks = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of frame.split('\n')) {
    const head = /^\t(\S.*) \{$/.exec(line)?.[1];
    if (head !== undefined) {
      lines = [];
      blocks.set(`${head} of ${GUARD_TABLE}`, lines);
    } else if (line.startsWith('\t\t')) lines.push(line.trim());
  }
  return blocks;
}

/** An element of the sets of entries, which a service has: `10.96.0.1 . tcp . 80`. */
function servicesOf({ entries }: Ruleset): ReadonlyMap<string, string> {
  return new Map(
    entries.map(({ entry: { ip, protocol, port }, service }) => [`${ip} . ${protocol} . ${port}`, service]),
  );
}

/** Differences of one set, by service where its elements are entries. */
function ofSet(
  set: string,
  { desired, found }: { readonly desired: ReadonlySet<string>; readonly found: ReadonlySet<string> },
  services: ReadonlyMap<string, string>,
): readonly Difference[] {
  const differing = [
    ...[...desired].filter((element) => !found.has(element)),
    ...[...found].filter((element) => !desired.has(element)),
  ];
  const owners = [...new Set(differing.map((element) => services.get(element) ?? ''))].toSorted();
  const chain = `set ${set} of ${GUARD_TABLE}`;
  return owners.flatMap((owner) => {
    const service = owner === '' ? undefined : owner;
    const own = (elements: ReadonlySet<string>): ReadonlySet<string> =>
      new Set(differing.filter((element) => services.get(element) === service && elements.has(element)));
    return setDifference({ part: 'guard', chain, service }, own(desired), own(found));
  });
}

/**
 * Compares.
 * @param found undefined: the table is not there
 * @param frame the guard's frame as the nft of this node prints it
 */
export function compareGuard(
  ruleset: Ruleset,
  found: FoundGuard | undefined,
  frame: string,
): readonly Difference[] {
  const desired = guardOf(ruleset);
  if (found === undefined) {
    if (ruleset.entries.length === 0) return [];
    const chain = `table ${GUARD_TABLE}`;
    return [
      differenceOf({ part: 'guard', chain, service: undefined }, { desired: [chain], found: undefined }),
    ];
  }
  const services = servicesOf(ruleset);
  const chains = chainDifferences(blocksOf(frame), blocksOf(found.frame), () => ({
    part: 'guard',
    service: undefined,
  }));
  const sets = GUARD_SETS.flatMap((set) =>
    ofSet(set, { desired: desired[set], found: found.state[set] }, services),
  );
  return [...chains, ...sets];
}
