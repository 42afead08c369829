/**
 * Owns the chains of an entry: plain rules from the newest instance (first) to the oldest (last, without a match, so that nothing falls
 * through). Never a map of instances: a lookup in a map that changes loses connections, plain rules do not. Pure.
 *
 * With session affinity each instance has a chain that notes the client in the instance's own set and translates, and the entry's chain asks
 * those sets first. If a set is full, its `update` ends that rule only, and the connection is still translated.
 */
import { formatAddress } from '../../model/address.ts';
import { type Choice, choiceTree } from '../choice-tree.ts';
import type { EntryRules, RuleTarget } from '../ruleset.ts';
import { SET_MARK } from './fixed-chains.ts';
import { protocolNumber } from '../protocol-number.ts';
import { blockChainName, entryChainName, entryKey, instanceName } from './names.ts';
import type { NftUnit } from './nft-rules.ts';
import { turnMatch, turnsOf } from './turns.ts';

interface Frame {
  readonly rules: EntryRules;
  readonly name: string;
  /** Node and state of the whole entry, for the phases. */
  readonly seed: string;
}

function translation({ rules }: Frame, target: RuleTarget): string {
  return `meta l4proto ${protocolNumber(rules.entry.protocol)} dnat to ${formatAddress(target)}`;
}

function actionOf(frame: Frame, choice: Choice): string {
  if (choice.kind === 'block') {
    return `goto ${blockChainName(frame.name, choice.block.level, choice.block.index)}`;
  }
  const hasAffinity = frame.rules.affinitySeconds !== undefined;
  return hasAffinity ? `goto ${instanceName(frame.name, choice.target)}` : translation(frame, choice.target);
}

/** Rules that choose among alternatives given from the oldest to the newest. */
function choiceLines(frame: Frame, chain: string, choices: readonly Choice[]): readonly string[] {
  let total = 0;
  return choices
    .map((choice, index) => {
      total += choice.weight;
      const action = actionOf(frame, choice);
      if (index === 0) return [action];
      return turnsOf(choice.weight, total).map(
        // Joined, not added: V8 would keep each line as a tree of its parts, at twice the memory.
        (turn, at) => [turnMatch(turn, `${frame.seed}/${chain}/${index}/${at}`), action].join(' '),
      );
    })
    .toReversed()
    .flat();
}

/** Duration as nft prints it with `-n`. */
const seconds = (duration: number): string => `${duration}s`;

function affinityChains(frame: Frame, affinitySeconds: number): NftUnit['chains'] {
  const ip = frame.rules.entry.ip.includes(':') ? 'ip6' : 'ip';
  return frame.rules.targets.map((target) => {
    const name = instanceName(frame.name, target);
    const note = `update @${name} { ${ip} saddr timeout ${seconds(affinitySeconds)} }`;
    return { name, lines: [note, translation(frame, target)] };
  });
}

/**
 * What belongs to an entry, its own chain first. Without instances that is empty.
 * @param node makes the phases of the rules differ from other nodes'
 */
export function entryUnit(rules: EntryRules, node: string): NftUnit {
  const { entry, targets, affinitySeconds, masquerade } = rules;
  const name = entryChainName(entry);
  const weights = targets.map(({ weight }) => weight).join();
  const frame: Frame = { rules, name, seed: `${node}/${weights}` };
  const tree = choiceTree(targets);
  const clients = affinitySeconds === undefined ? [] : targets.map((target) => instanceName(name, target));
  const ip = entry.ip.includes(':') ? 'ip6' : 'ip';
  const head = [
    ...(masquerade && targets.length > 0 ? [SET_MARK] : []),
    ...clients.map((set) => `${ip} saddr @${set} goto ${set}`),
  ];
  return {
    entries: [[entryKey(entry), name]],
    chains: [
      { name, lines: [...head, ...choiceLines(frame, name, tree.choices)] },
      ...tree.blocks.map(({ level, index, choices }) => {
        const chain = blockChainName(name, level, index);
        return { name: chain, lines: choiceLines(frame, chain, choices) };
      }),
      ...(affinitySeconds === undefined ? [] : affinityChains(frame, affinitySeconds)),
    ],
    ips: targets.map((target) => target.ip),
    clients,
  };
}
