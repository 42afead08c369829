/** Owns the difference between what is in our table and what is desired. Pure. */
import { entryChainOf, entryKeyOfChain } from './names.ts';
import type { NftRules } from './nft-rules.ts';

/** What must be sent; lists are in the order of the desired ones, what is gone is sorted. */
export interface Delta {
  readonly newChains: readonly string[];
  /** Chains that stand there with other rules. */
  readonly changedChains: readonly string[];
  readonly goneChains: readonly string[];
  readonly newEntries: readonly string[];
  readonly goneEntries: readonly string[];
  readonly newHairpin: readonly string[];
  readonly goneHairpin: readonly string[];
  readonly newClients: readonly string[];
  readonly goneClients: readonly string[];
  /** Keys of counters of instances that are no longer there. */
  readonly goneConnections: readonly string[];
}

interface Keys {
  readonly has: (key: string) => boolean;
  readonly keys: () => Iterable<string>;
}

/** Keys of `a` that `b` does not have. */
function missing(a: Keys, b: Keys): readonly string[] {
  return a === b ? [] : [...a.keys()].filter((key) => !b.has(key));
}

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && b.every((line, index) => line === a[index]));
}

const DNAT = / dnat to \[?([0-9a-f.:]+?)\]?:(\d+)$/;

/** Where the rules of some chains translate to, as ends of keys of counters: `10.0.0.1 . 8080`. */
function targetsIn(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => {
    const [, ip, port] = DNAT.exec(line) ?? [];
    return ip === undefined || port === undefined ? [] : [`${ip} . ${port}`];
  });
}

/** Where the chains of some names translate to, by the chain of their entry. */
function targetsByEntry(rules: NftRules, names: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  for (const name of names) {
    const owner = entryChainOf(name);
    const targets = found.get(owner) ?? new Set();
    for (const target of targetsIn(rules.chains.get(name) ?? [])) targets.add(target);
    found.set(owner, targets);
  }
  return found;
}

/**
 * Counters of instances that are no longer there. An instance is translated to by one chain of its entry only, so one that was in a chain that
 * changes or goes, and is in none that changes or comes, is gone.
 */
function goneConnections(
  installed: NftRules,
  desired: NftRules,
  { newChains, changedChains, goneChains }: Pick<Delta, 'newChains' | 'changedChains' | 'goneChains'>,
): readonly string[] {
  const before = targetsByEntry(installed, [...changedChains, ...goneChains]);
  if (before.size === 0) return [];
  const after = targetsByEntry(desired, [...changedChains, ...newChains]);
  return [...before].flatMap(([owner, targets]) => {
    const key = entryKeyOfChain(owner);
    if (key === undefined) return [];
    return [...targets]
      .filter((target) => after.get(owner)?.has(target) !== true)
      .map((target) => `${key} . ${target}`);
  });
}

/** Compares; unchanged parts (the same objects, or equal text) are left alone. */
export function diffRules(installed: NftRules, desired: NftRules): Delta {
  const newChains: string[] = [];
  const changedChains: string[] = [];
  for (const [name, lines] of desired.chains) {
    const before = installed.chains.get(name);
    if (before === undefined) newChains.push(name);
    else if (!sameLines(before, lines)) changedChains.push(name);
  }
  const goneChains = missing(installed.chains, desired.chains).toSorted();
  // A key of the map that leads to another chain than it should: somebody else's doing; it is taken away and put back.
  const wrong = [...installed.entries.keys()].filter(
    (key) => desired.entries.has(key) && desired.entries.get(key) !== installed.entries.get(key),
  );
  return {
    newChains,
    changedChains,
    goneChains,
    newEntries: [...missing(desired.entries, installed.entries), ...wrong],
    goneEntries: [...missing(installed.entries, desired.entries), ...wrong].toSorted(),
    newHairpin: missing(desired.hairpin, installed.hairpin),
    goneHairpin: missing(installed.hairpin, desired.hairpin).toSorted(),
    newClients: missing(desired.clients, installed.clients),
    goneClients: missing(installed.clients, desired.clients).toSorted(),
    goneConnections: goneConnections(installed, desired, { newChains, changedChains, goneChains }),
  };
}

/** True if there is nothing to send. */
export function isEmptyDelta(delta: Delta): boolean {
  return Object.values(delta).every((part: readonly string[]) => part.length === 0);
}
