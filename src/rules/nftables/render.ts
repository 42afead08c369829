/**
 * Owns the rules of a whole ruleset in the nftables layout, one family at a time. Pure; what was rendered for an unchanged entry object is
 * kept (weakly), and maps that did not change come back as the same objects, so that a change of one service among 10,000 costs that
 * service and a walk over the entries.
 */
import { SluiceError } from '../../errors.ts';
import type { Family } from '../../model/address.ts';
import type { EntryRules, Ruleset } from '../ruleset.ts';
import { type EntryChains, entryChains } from './entry-chain.ts';
import { fixedChains } from './fixed-chains.ts';
import type { Chains, NftRules } from './nft-rules.ts';

const isOf = (rules: EntryRules, family: Family): boolean =>
  rules.entry.ip.includes(':') === (family === 'ipv6');

/** True if every list of texts is the same as before; equal lists of other objects count as the same. */
function areSameLists(
  before: readonly (readonly string[])[] | undefined,
  now: readonly (readonly string[])[],
): boolean {
  return (
    before?.length === now.length &&
    now.every((list, at) => {
      const other = before[at];
      return other === list || (other?.length === list.length && list.every((text, i) => text === other[i]));
    })
  );
}

interface Kept<T> {
  readonly lists: readonly (readonly string[])[];
  readonly value: T;
}

/** A value made from lists of texts, made anew only when they differ from those of the last call. */
function keeping<T>(
  make: (lists: readonly (readonly string[])[]) => T,
): (lists: readonly (readonly string[])[]) => T {
  let kept: Kept<T> | undefined;
  return (lists) => {
    if (kept === undefined || !areSameLists(kept.lists, lists)) kept = { lists, value: make(lists) };
    return kept.value;
  };
}

/** Renders rulesets of one family for one node; keeps what it rendered. */
export interface Renderer {
  readonly render: (ruleset: Ruleset) => NftRules;
  /** The chains without phases: the same text on all nodes. */
  readonly canonicalChains: (ruleset: Ruleset) => Chains;
}

function chainsOf(rendered: readonly EntryChains[], family: Family): Chains {
  const chains = new Map<string, readonly string[]>(fixedChains(family));
  let count = chains.size;
  for (const { chains: own } of rendered) {
    count += own.length;
    for (const { name, lines } of own) chains.set(name, lines);
  }
  if (chains.size === count) return chains;
  throw new SluiceError('internal', 'two chains would have one name', {
    why: 'an entry is repeated in the ruleset',
  });
}

function keptEntries(family: Family, node: string | undefined): (ruleset: Ruleset) => readonly EntryChains[] {
  const known = new WeakMap<EntryRules, EntryChains>();
  return (ruleset) =>
    ruleset.entries
      .filter((rules) => isOf(rules, family))
      .map((rules) => {
        const kept = known.get(rules);
        if (kept !== undefined) return kept;
        const chains = entryChains(rules, node);
        known.set(rules, chains);
        return chains;
      });
}

/**
 * A renderer.
 * @param node name of the node, from which the phases of the rules are made
 */
export function createRenderer(family: Family, node: string): Renderer {
  const forNode = keptEntries(family, node);
  const forAll = keptEntries(family, undefined);
  const entryMap = keeping((lists) => new Map(lists.map(([key = '', chain = '']) => [key, chain] as const)));
  const hairpin = keeping((lists) => new Set(lists.flat()));
  const clients = keeping((lists) => new Set(lists.flat()));
  return {
    render: (ruleset) => {
      const rendered = forNode(ruleset);
      return {
        chains: chainsOf(rendered, family),
        entries: entryMap(rendered.map(({ element }) => element)),
        hairpin: hairpin(rendered.map(({ ips }) => ips)),
        clients: clients(rendered.map((one) => one.clients)),
      };
    },
    canonicalChains: (ruleset) => chainsOf(forAll(ruleset), family),
  };
}
