/**
 * Owns the chain of an entry: weighted DNAT rules from the newest instance (first) to the oldest (last, without a statistic, so that
 * nothing falls through). Above 16 instances the older ones stand in blocks of 8, blocks of blocks of 64, and 512 above. Pure.
 *
 * The number of instances is written in digits of base 8: as many single rules at the head, as many blocks of 8, and so on. So a newcomer
 * changes the head chain only, and every eighth one makes a block of its own; no block is rewritten while its instances stay.
 */
import { conditionalProbabilities } from '../../balance/shares.ts';
import { formatAddress, type Protocol } from '../../model/address.ts';
import type { EntryRules, RuleTarget } from '../ruleset.ts';
import { blockChainName, serviceChainName } from './chain-names.ts';
import type { Chain } from './chains.ts';
import { MASQUERADE_MARK } from './fixed-chains.ts';
import { probabilityText } from './probability.ts';

/** Up to this many instances stand in the service chain itself. */
const MAX_PLAIN = 16;
const BLOCK = 8;
/** Levels of blocks; with the trie above them the chain of jumps stays within nf_tables' 15. */
const LEVELS = 3;

/** One alternative of a chain: an instance, or a block of instances; weight is that of all within. */
interface Choice {
  readonly weight: number;
  /** Rule without chain and statistic. */
  readonly match: string;
  readonly action: string;
}

/** Lines of a chain that chooses among alternatives given from the oldest to the newest. */
function choiceLines(name: string, choices: readonly Choice[]): readonly string[] {
  const probabilities = conditionalProbabilities(choices.map((choice) => choice.weight));
  return choices
    .map(({ match, action }, index) => {
      const statistic =
        index === 0
          ? ''
          : ` -m statistic --mode random --probability ${probabilityText(probabilities[index] ?? 1)}`;
      return `-A ${name}${match}${statistic} ${action}`;
    })
    .toReversed();
}

function targetChoice(protocol: Protocol, target: RuleTarget): Choice {
  return {
    weight: target.weight,
    match: ` -p ${protocol}`,
    action: `-j DNAT --to-destination ${formatAddress(target)}`,
  };
}

/** Folds full groups of 8 choices into chains of their own; what does not fill a group stays as it is. */
function foldBlocks(
  serviceChain: string,
  level: number,
  choices: readonly Choice[],
): {
  readonly blocks: readonly Choice[];
  readonly rest: readonly Choice[];
  readonly chains: readonly Chain[];
} {
  const full = Math.floor(choices.length / BLOCK);
  const chains: Chain[] = [];
  const blocks: Choice[] = [];
  for (let index = 0; index < full; index += 1) {
    const members = choices.slice(index * BLOCK, (index + 1) * BLOCK);
    const name = blockChainName(serviceChain, level, index);
    chains.push({ name, lines: choiceLines(name, members) });
    blocks.push({
      weight: members.reduce((sum, member) => sum + member.weight, 0),
      match: '',
      action: `-g ${name}`,
    });
  }
  return { blocks, rest: choices.slice(full * BLOCK), chains };
}

/**
 * The chains of an entry, the service chain first, then its blocks. Without instances the service chain is empty.
 * @param rules targets with weights ≥ 1, the oldest first
 */
export function serviceChains(rules: EntryRules): readonly Chain[] {
  const name = serviceChainName(rules.entry);
  const mark = rules.masquerade ? [`-A ${name} -j MARK --set-xmark ${MASQUERADE_MARK}`] : [];
  if (rules.targets.length === 0) return [{ name, lines: [] }];
  let choices = rules.targets.map((target) => targetChoice(rules.entry.protocol, target));
  let newer: readonly Choice[] = [];
  const chains: Chain[] = [];
  if (choices.length > MAX_PLAIN) {
    for (let level = 1; level <= LEVELS; level += 1) {
      const folded = foldBlocks(name, level, choices);
      newer = [...folded.rest, ...newer];
      choices = [...folded.blocks];
      chains.push(...folded.chains);
    }
  }
  return [{ name, lines: [...mark, ...choiceLines(name, [...choices, ...newer])] }, ...chains];
}
