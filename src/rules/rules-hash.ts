/**
 * Owns the hash of installed rules: equal on all nodes that hold rules for the same entries, instances, weights and options, whatever the
 * layout. Pure. It is a sum of digests, one an entry, so that it costs what changed and not what there is.
 */
import { hash } from 'node:crypto';
import { changedItems } from './changed-items.ts';
import type { EntryRules } from './ruleset.ts';

const digests = new WeakMap<EntryRules, bigint>();
const BITS = 256;
const HEX_DIGITS = BITS / 4;

/** Everything that the rules of an entry are made from, in their order; not the name of the service, which no rule has. */
function textOf({ entry, masquerade, affinitySeconds, targets }: EntryRules): string {
  const { protocol, ip, port } = entry;
  const instances = targets.map((target) => `${target.ip} ${target.port} ${target.weight}`);
  return [`${protocol} ${ip} ${port}`, masquerade, affinitySeconds ?? 0, ...instances].join('\n');
}

function digestOf(rules: EntryRules): bigint {
  const known = digests.get(rules);
  if (known !== undefined) return known;
  const digest = BigInt(`0x${hash('sha256', textOf(rules))}`);
  digests.set(rules, digest);
  return digest;
}

const sumOf = (entries: readonly EntryRules[]): bigint =>
  entries.reduce((sum, rules) => sum + digestOf(rules), 0n);

/** A hash of entries (the sum of their SHA-256 modulo 2^256, in hex) that remembers the last ones it was asked for. */
export function createRulesHash(): (entries: readonly EntryRules[]) => string {
  let last: { readonly entries: readonly EntryRules[]; readonly sum: bigint } = { entries: [], sum: 0n };
  return (entries) => {
    const { gone, come } = changedItems(last.entries, entries);
    const sum = BigInt.asUintN(BITS, last.sum + sumOf(come) - sumOf(gone));
    last = { entries, sum };
    return sum.toString(16).padStart(HEX_DIGITS, '0');
  };
}

/** The hash of entries, from nothing. */
export function rulesHash(entries: readonly EntryRules[]): string {
  return createRulesHash()(entries);
}
