/**
 * Owns the rules of a whole ruleset in the nftables layout, one family at a time. Pure; what was rendered for an unchanged entry object is
 * kept (weakly), so that a change of one service among 10,000 costs that service and a walk over the entries.
 */
import type { Family } from '../../model/address.ts';
import { type Mapped, mapChanged } from '../changed-items.ts';
import { entriesOf } from '../families.ts';
import type { EntryRules, Ruleset } from '../ruleset.ts';
import { entryUnit } from './entry-chain.ts';
import { fixedChains } from './fixed-chains.ts';
import { type NftRules, type NftUnit, rulesOf } from './nft-rules.ts';

function fixedUnit(family: Family): NftUnit {
  const chains = [...fixedChains(family)].map(([name, lines]) => ({ name, lines }));
  return { chains, entries: [], ips: [], clients: [] };
}

const FIXED: Readonly<Record<Family, NftUnit>> = { ipv4: fixedUnit('ipv4'), ipv6: fixedUnit('ipv6') };

/** Renders rulesets of one family for one node. */
export interface Renderer {
  /** The fixed part, then the entries in their order. */
  readonly render: (ruleset: Ruleset) => readonly NftUnit[];
  readonly renderEntry: (rules: EntryRules) => NftUnit;
  readonly fixed: NftUnit;
}

/**
 * A renderer; it remembers what it rendered.
 * @param node name of the node, from which the phases of the rules are made
 */
export function createRenderer(family: Family, node: string): Renderer {
  const known = new WeakMap<EntryRules, NftUnit>();
  const renderEntry = (rules: EntryRules): NftUnit => {
    const kept = known.get(rules);
    if (kept !== undefined) return kept;
    const unit = entryUnit(rules, node);
    known.set(rules, unit);
    return unit;
  };
  let last: Mapped<EntryRules, NftUnit> | undefined;
  const fixed = FIXED[family];
  return {
    fixed,
    renderEntry,
    render: (ruleset) => {
      last = mapChanged(last, entriesOf(ruleset, family), renderEntry);
      return [fixed, ...last.made];
    },
  };
}

/** The rules of one family, whole. */
export function renderRules(ruleset: Ruleset, family: Family, node: string): NftRules {
  return rulesOf(createRenderer(family, node).render(ruleset));
}
