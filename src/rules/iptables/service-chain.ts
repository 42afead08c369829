/**
 * Owns the chain of an entry: weighted DNAT rules from the newest instance (first) to the oldest (last, without a statistic, so that
 * nothing falls through), with many instances in blocks (choice-tree.ts). Pure.
 */
import { conditionalProbabilities } from '../../balance/shares.ts';
import { formatAddress } from '../../model/address.ts';
import { type Choice, choiceTree } from '../choice-tree.ts';
import type { EntryRules, RuleTarget } from '../ruleset.ts';
import { affinityText, noteMatch, seenMatch } from './affinity.ts';
import { blockChainName, serviceChainName } from './chain-names.ts';
import type { Chain } from './chains.ts';
import { MASQUERADE_MARK } from './fixed-chains.ts';
import { probabilityText } from './probability.ts';

interface Frame {
  readonly rules: EntryRules;
  /** The service chain. */
  readonly name: string;
}

/** Matches and action of an alternative, around its statistic. */
function ruleParts({ rules, name }: Frame, choice: Choice): readonly [string, string] {
  if (choice.kind === 'block')
    return ['', ` -g ${blockChainName(name, choice.block.level, choice.block.index)}`];
  const affinity = affinityText(rules.entry.ip, rules.affinitySeconds);
  const note = affinity === undefined ? '' : noteMatch(name, choice.target, affinity);
  return [` -p ${rules.entry.protocol}`, `${note} -j DNAT --to-destination ${formatAddress(choice.target)}`];
}

/** Lines of a chain that chooses among alternatives given from the oldest to the newest. */
function choiceLines(frame: Frame, chain: string, choices: readonly Choice[]): readonly string[] {
  const probabilities = conditionalProbabilities(choices.map((choice) => choice.weight));
  return choices
    .map((choice, index) => {
      const [match, action] = ruleParts(frame, choice);
      const statistic =
        index === 0
          ? ''
          : ` -m statistic --mode random --probability ${probabilityText(probabilities[index] ?? 1)}`;
      // Joined, not added: V8 would keep each line as a tree of its parts, at twice the memory.
      return ['-A ', chain, match, statistic, action].join('');
    })
    .toReversed();
}

/** Lines that send known clients to the instance they had; none without session affinity. */
function seenLines({ rules, name }: Frame): readonly string[] {
  const affinity = affinityText(rules.entry.ip, rules.affinitySeconds);
  if (affinity === undefined) return [];
  return rules.targets.map((target: RuleTarget) => {
    const seen = seenMatch(name, target, affinity);
    return `-A ${name} -p ${rules.entry.protocol}${seen} -j DNAT --to-destination ${formatAddress(target)}`;
  });
}

/**
 * The chains of an entry, the service chain first, then its blocks. Without instances the service chain is empty.
 * @param rules targets with weights ≥ 1, the oldest first
 */
export function serviceChains(rules: EntryRules): readonly Chain[] {
  const name = serviceChainName(rules.entry);
  if (rules.targets.length === 0) return [{ name, lines: [] }];
  const frame: Frame = { rules, name };
  const mark = rules.masquerade ? [`-A ${name} -j MARK --set-xmark ${MASQUERADE_MARK}`] : [];
  const tree = choiceTree(rules.targets);
  return [
    { name, lines: [...mark, ...seenLines(frame), ...choiceLines(frame, name, tree.choices)] },
    ...tree.blocks.map(({ level, index, choices }) => {
      const chain = blockChainName(name, level, index);
      return { name: chain, lines: choiceLines(frame, chain, choices) };
    }),
  ];
}
