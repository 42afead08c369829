/** Owns the difference between what is in our table and what is desired. Pure. */
import { entryChainOf } from './names.ts';
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

/** Counters of what the chains that change or go translated to and the desired ones of the same entry do not. */
function goneConnections(
  installed: NftRules,
  desired: NftRules,
  touched: readonly string[],
): readonly string[] {
  const owners = new Set(touched.map(entryChainOf));
  const targetsOf = (rules: NftRules): ReadonlyMap<string, ReadonlySet<string>> => {
    const found = new Map<string, Set<string>>();
    for (const [name, lines] of rules.chains) {
      const owner = entryChainOf(name);
      if (!owners.has(owner)) continue;
      const targets = found.get(owner) ?? new Set();
      for (const target of targetsIn(lines)) targets.add(target);
      found.set(owner, targets);
    }
    return found;
  };
  if (owners.size === 0) return [];
  const [before, after] = [targetsOf(installed), targetsOf(desired)];
  return [...installed.entries].flatMap(([key, chain]) =>
    [...(before.get(chain) ?? [])]
      .filter((target) => after.get(chain)?.has(target) !== true)
      .map((target) => `${key} . ${target}`),
  );
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
    goneConnections: goneConnections(installed, desired, [...changedChains, ...goneChains]),
  };
}

/** True if there is nothing to send. */
export function isEmptyDelta(delta: Delta): boolean {
  return Object.values(delta).every((part: readonly string[]) => part.length === 0);
}
