/**
 * Owns what the guard shall hold, as data: which entries exist, and which of them have no usable instance. Pure; elements of an
 * unchanged entry object are kept (weakly), so that a change of one service among 10,000 costs a walk.
 */
import type { EntryRules, Ruleset } from '../ruleset.ts';

/** The guard's sets: of each family all entries, those that are refused, and the addresses of entries. */
export const GUARD_SETS = [
  'entries4',
  'entries6',
  'refused4',
  'refused6',
  'addresses4',
  'addresses6',
] as const;

/** Name of a set of the guard. */
export type GuardSet = (typeof GUARD_SETS)[number];

/** Elements of each set, e.g. `10.96.0.1 . tcp . 80`, or `10.96.0.1` of the addresses. */
export type GuardState = Readonly<Record<GuardSet, ReadonlySet<string>>>;

/** Sets without elements, to be filled. */
export function emptySets(): Record<GuardSet, Set<string>> {
  return {
    entries4: new Set(),
    entries6: new Set(),
    refused4: new Set(),
    refused6: new Set(),
    addresses4: new Set(),
    addresses6: new Set(),
  };
}

const elements = new WeakMap<EntryRules, string>();

function elementOf(rules: EntryRules): string {
  const known = elements.get(rules);
  if (known !== undefined) return known;
  const { ip, protocol, port } = rules.entry;
  const text = `${ip} . ${protocol} . ${port}`;
  elements.set(rules, text);
  return text;
}

/** The guard that a ruleset asks for. */
export function guardOf(ruleset: Ruleset): GuardState {
  const sets = emptySets();
  for (const rules of ruleset.entries) {
    const isIpv6 = rules.entry.ip.includes(':');
    const element = elementOf(rules);
    sets[isIpv6 ? 'entries6' : 'entries4'].add(element);
    sets[isIpv6 ? 'addresses6' : 'addresses4'].add(rules.entry.ip);
    if (rules.targets.length === 0) sets[isIpv6 ? 'refused6' : 'refused4'].add(element);
  }
  return sets;
}

/**
 * True if both surely ask for the same guard: the same entries, with and without instances. Costs nothing where the objects are the same,
 * so that a change of weights among 10,000 services does.
 */
export function isSameGuard(before: Ruleset, after: Ruleset): boolean {
  return (
    before.entries.length === after.entries.length &&
    after.entries.every((rules, at) => {
      const other = before.entries[at];
      if (other === rules) return true;
      const isEmpty = rules.targets.length === 0;
      return (
        other !== undefined &&
        elementOf(other) === elementOf(rules) &&
        isEmpty === (other.targets.length === 0)
      );
    })
  );
}

/** What of one set must change, both sorted. */
export interface SetDelta {
  readonly set: GuardSet;
  readonly add: readonly string[];
  readonly remove: readonly string[];
}

/** The sets that differ. */
export function diffGuard(before: GuardState, after: GuardState): readonly SetDelta[] {
  return GUARD_SETS.map((set) => ({
    set,
    add: [...after[set]].filter((element) => !before[set].has(element)).toSorted(),
    remove: [...before[set]].filter((element) => !after[set].has(element)).toSorted(),
  })).filter(({ add, remove }) => add.length + remove.length > 0);
}
