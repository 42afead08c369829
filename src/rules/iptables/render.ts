/**
 * Owns the text of a whole ruleset in the iptables layout, one family at a time. Pure; what was rendered for an unchanged entry object is
 * kept (weakly), so that a change of one service among 10,000 costs that service and a walk over the entries.
 */
import type { Family, Protocol } from '../../model/address.ts';
import type { Entry } from '../../model/entry.ts';
import { changedItems, type Mapped, mapChanged } from '../changed-items.ts';
import { entriesOf } from '../families.ts';
import type { EntryRules, Ruleset } from '../ruleset.ts';
import { type Chain, type Chains, chainsOf, type ChainUnit } from './chains.ts';
import { fixedChains } from './fixed-chains.ts';
import { serviceChains } from './service-chain.ts';
import { renderTrie, trieLeaf, type TrieLeaf, type TrieNode, trieUnits } from './trie.ts';

interface RenderedEntry {
  readonly protocol: Protocol;
  readonly leaf: TrieLeaf;
  readonly chains: readonly Chain[];
}

/** The last trie of a protocol. */
interface Way {
  readonly root: TrieNode;
  readonly units: readonly ChainUnit[];
}

const rendered = new WeakMap<EntryRules, RenderedEntry>();
/** An entry outlives changes of its instances, and so does the way to it. */
const leaves = new WeakMap<Entry, TrieLeaf>();

const FIXED: Readonly<Record<Family, ChainUnit>> = {
  ipv4: fixedChains('ipv4'),
  ipv6: fixedChains('ipv6'),
};

function renderEntry(rules: EntryRules): RenderedEntry {
  const known = rendered.get(rules);
  if (known !== undefined) return known;
  const chains = serviceChains(rules);
  const leaf = leaves.get(rules.entry) ?? trieLeaf(rules.entry, chains[0]?.name ?? '');
  leaves.set(rules.entry, leaf);
  const fresh = { protocol: rules.entry.protocol, leaf, chains };
  rendered.set(rules, fresh);
  return fresh;
}

/** True if the ways to all entries are those to the entries before. */
function isSameWay(before: readonly RenderedEntry[], after: readonly RenderedEntry[]): boolean {
  const { gone, come } = changedItems(before, after);
  return (
    gone.length === come.length &&
    gone.every(({ protocol, leaf }, at) => protocol === come[at]?.protocol && leaf === come[at].leaf)
  );
}

/** The ruleset's entries of one family as units of chains, in a fixed order: the permanent ones, the tries, those of the entries. */
export type Renderer = (ruleset: Ruleset) => readonly ChainUnit[];

/** A renderer of one family; it remembers what it rendered last. */
export function createRenderer(family: Family): Renderer {
  let last: Mapped<EntryRules, RenderedEntry> | undefined;
  let units: Mapped<RenderedEntry, ChainUnit> | undefined;
  let toEntries: readonly ChainUnit[] = [];
  const ways: Partial<Record<Protocol, Way>> = {};
  const renderWay = (protocol: Protocol, entries: readonly RenderedEntry[]): readonly ChainUnit[] => {
    const to = entries.filter((entry) => entry.protocol === protocol).map(({ leaf }) => leaf);
    const before = ways[protocol];
    const root = renderTrie(protocol, to, before?.root);
    const way = before?.root === root ? before : { root, units: trieUnits(root) };
    ways[protocol] = way;
    return way.units;
  };
  return (ruleset) => {
    const before = last;
    last = mapChanged(before, entriesOf(ruleset, family), renderEntry);
    const { made } = last;
    if (before === undefined || !isSameWay(before.made, made)) {
      toEntries = [FIXED[family], ...renderWay('tcp', made), ...renderWay('udp', made)];
    }
    units = mapChanged(units, made, ({ chains }) => chains);
    return [...toEntries, ...units.made];
  };
}

/**
 * All chains of one family, in the order of the units.
 * @param ruleset sorted by entry, without repeats
 * @throws SluiceError `internal` if two chains have one name (a repeated entry)
 */
export function renderChains(ruleset: Ruleset, family: Family): Chains {
  return chainsOf(createRenderer(family)(ruleset));
}
