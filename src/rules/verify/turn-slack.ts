/** Owns how far the counts of exact spread (turns) can be off their shares in any run of connections. Pure. */
import { type Choice, choiceTree } from '../choice-tree.ts';
import { turnsOf } from '../nftables/turns.ts';
import type { RuleTarget } from '../ruleset.ts';

const keyOf = ({ ip, port }: RuleTarget): string => `${ip} ${port}`;

/**
 * Walks the rules of a chain as the connections do, from the newest to the oldest. If `off` connections more or fewer than their share reach
 * a turn of c in m, it takes off × c/m more or fewer, and its own count c × (m - c) / m at most; what it leaves is off by the rest.
 */
function walk(choices: readonly Choice[], reaching: number, found: Map<string, number>): void {
  const totals = choices.map((_, at) => choices.slice(0, at + 1).reduce((sum, each) => sum + each.weight, 0));
  let off = reaching;
  for (const [at, choice] of [...choices.entries()].toReversed()) {
    let taken = at === 0 ? off : 0;
    for (const { count, modulus } of at === 0 ? [] : turnsOf(choice.weight, totals[at] ?? 0)) {
      const own = (count * (modulus - count)) / modulus;
      taken += (off * count) / modulus + own;
      off = off * (1 - count / modulus) + own;
    }
    if (choice.kind === 'instance') found.set(keyOf(choice.target), taken);
    else walk(choice.block.choices, taken, found);
  }
}

/**
 * The most by which the count of each instance can be off its share, in the order of the targets; twice what the rules themselves can be off, so
 * that rules which somebody wrote anew once meanwhile do not look wrong.
 * @param targets of one entry, as in its rules
 */
export function turnSlack(targets: readonly RuleTarget[]): readonly number[] {
  const found = new Map<string, number>();
  walk(choiceTree(targets).choices, 0, found);
  return targets.map((target) => Math.ceil(2 * (found.get(keyOf(target)) ?? 0)));
}
