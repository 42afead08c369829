/** Owns dividing a ruleset by IP family. Pure; kept (weakly) by ruleset. */
import type { Family } from '../model/address.ts';
import { changedItems } from './changed-items.ts';
import type { EntryRules, Ruleset } from './ruleset.ts';

type ByFamily = Readonly<Record<Family, readonly EntryRules[]>>;

const divided = new WeakMap<Ruleset, ByFamily>();

/** Only IPv6 has colons in canonical text. */
const isIpv6 = ({ entry }: EntryRules): boolean => entry.ip.includes(':');

function divide({ entries }: Ruleset): ByFamily {
  const ipv6 = entries.filter(isIpv6);
  if (ipv6.length === 0) return { ipv4: entries, ipv6 };
  if (ipv6.length === entries.length) return { ipv4: [], ipv6: entries };
  return { ipv4: entries.filter((rules) => !isIpv6(rules)), ipv6 };
}

/**
 * Divides a ruleset that was made from another at the cost of what differs, where all entries are of one family: looking at each of 10,000
 * entries costs 4 ms, since nothing of them is in the processor's caches.
 */
export function divideLike(before: Ruleset, after: Ruleset): void {
  const known = divided.get(before);
  if (known === undefined || divided.has(after)) return;
  const { come } = changedItems(before.entries, after.entries);
  if (known.ipv6.length === 0 && !come.some(isIpv6)) divided.set(after, { ipv4: after.entries, ipv6: [] });
  if (known.ipv4.length === 0 && come.every(isIpv6)) divided.set(after, { ipv4: [], ipv6: after.entries });
}

/** The entries of one family, in their order. */
export function entriesOf(ruleset: Ruleset, family: Family): readonly EntryRules[] {
  const known = divided.get(ruleset);
  if (known !== undefined) return known[family];
  const fresh = divide(ruleset);
  divided.set(ruleset, fresh);
  return fresh[family];
}

/** True if the ruleset has an entry of this family. */
export function hasFamily(ruleset: Ruleset, family: Family): boolean {
  return entriesOf(ruleset, family).length > 0;
}
