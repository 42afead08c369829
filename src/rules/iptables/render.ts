/**
 * Owns the text of a whole ruleset in the iptables layout, one family at a time. Pure; what was rendered for an unchanged entry object is
 * kept (weakly), so that a change of one service among 10,000 costs that service and a walk over the trie.
 */
import { SluiceError } from '../../errors.ts';
import type { Family, Protocol } from '../../model/address.ts';
import type { EntryRules, Ruleset } from '../ruleset.ts';
import type { Chain, Chains } from './chains.ts';
import { fixedChains } from './fixed-chains.ts';
import { serviceChains } from './service-chain.ts';
import { trieChains, trieLeaf, type TrieLeaf } from './trie.ts';

interface RenderedEntry {
  readonly leaf: TrieLeaf;
  readonly chains: readonly Chain[];
}

const rendered = new WeakMap<EntryRules, RenderedEntry>();

/** The trie made last for each family and protocol: a change of instances leaves it as it is. */
const tries = new Map<string, { readonly leaves: readonly TrieLeaf[]; readonly chains: readonly Chain[] }>();

function renderTrie(family: Family, protocol: Protocol, leaves: readonly TrieLeaf[]): readonly Chain[] {
  const last = tries.get(`${family}/${protocol}`);
  const isSame =
    last?.leaves.length === leaves.length && leaves.every((leaf, at) => leaf.rule === last.leaves[at]?.rule);
  if (last !== undefined && isSame) return last.chains;
  const chains = trieChains(protocol, leaves);
  tries.set(`${family}/${protocol}`, { leaves, chains });
  return chains;
}

function renderEntry(rules: EntryRules): RenderedEntry {
  const known = rendered.get(rules);
  if (known !== undefined) return known;
  const chains = serviceChains(rules);
  const fresh = { leaf: trieLeaf(rules.entry, chains[0]?.name ?? ''), chains };
  rendered.set(rules, fresh);
  return fresh;
}

/** Family of canonical text: only IPv6 has colons. */
const isOf = (rules: EntryRules, family: Family): boolean =>
  rules.entry.ip.includes(':') === (family === 'ipv6');

/** True if the ruleset has an entry of this family. */
export function hasFamily(ruleset: Ruleset, family: Family): boolean {
  return ruleset.entries.some((rules) => isOf(rules, family));
}

/**
 * All chains of one family, in a fixed order: the permanent ones, the tries, the service chains in the order of the entries.
 * @param ruleset sorted by entry, without repeats
 * @throws SluiceError `internal` if two chains have one name (a repeated entry)
 */
export function renderChains(ruleset: Ruleset, family: Family): Chains {
  const entries = ruleset.entries.filter((rules) => isOf(rules, family));
  const chains = new Map<string, readonly string[]>();
  const add = (chain: Chain): void => {
    if (chains.has(chain.name)) {
      throw new SluiceError('internal', `two chains would be called ${chain.name}`, {
        why: 'an entry is repeated in the ruleset, or two names have the same hash',
      });
    }
    chains.set(chain.name, chain.lines);
  };
  fixedChains(family).forEach(add);
  for (const protocol of ['tcp', 'udp'] as const satisfies readonly Protocol[]) {
    const leaves = entries
      .filter((rules) => rules.entry.protocol === protocol)
      .map((rules) => renderEntry(rules).leaf);
    renderTrie(family, protocol, leaves).forEach(add);
  }
  for (const rules of entries) renderEntry(rules).chains.forEach(add);
  return chains;
}
