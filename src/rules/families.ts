/** Owns dividing a ruleset by IP family. Pure; kept (weakly) by ruleset. */
import type { Family } from '../model/address.ts';
import type { EntryRules, Ruleset } from './ruleset.ts';

type ByFamily = Readonly<Record<Family, readonly EntryRules[]>>;

const divided = new WeakMap<Ruleset, ByFamily>();

/** Only IPv6 has colons in canonical text. */
const isIpv6 = ({ entry }: EntryRules): boolean => entry.ip.includes(':');

function divide({ entries }: Ruleset): ByFamily {
  const ipv6 = entries.filter(isIpv6);
  if (ipv6.length === 0) return { ipv4: entries, ipv6 };
  return { ipv4: entries.filter((rules) => !isIpv6(rules)), ipv6 };
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
