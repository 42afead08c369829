/**
 * Owns how the instances of an entry are laid out for a choice by rules: up to 16 in one list, above that the older ones in blocks of 8,
 * blocks of blocks of 64, and 512 above. Pure; both layouts use it.
 *
 * The number of instances is written in digits of base 8: as many single rules at the head, as many blocks of 8, and so on. So a newcomer
 * changes the head only, and every eighth one makes a block of its own; no block is rewritten while its instances stay.
 */
import type { RuleTarget } from './ruleset.ts';

/** One alternative: an instance, or a block of instances with the sum of their weights. */
export type Choice =
  | { readonly kind: 'instance'; readonly weight: number; readonly target: RuleTarget }
  | { readonly kind: 'block'; readonly weight: number; readonly block: Block };

/** Alternatives in a chain of their own. */
export interface Block {
  /** 1 for blocks of instances, 2 for blocks of blocks, 3 above. */
  readonly level: number;
  /** Position among the blocks of its level, counted from the oldest instance. */
  readonly index: number;
  /** From the oldest to the newest. */
  readonly choices: readonly Choice[];
}

/** The alternatives of the entry's own chain, and all blocks below it, inner ones first. */
export interface ChoiceTree {
  /** From the oldest to the newest. */
  readonly choices: readonly Choice[];
  readonly blocks: readonly Block[];
}

/** Up to this many instances stand in the entry's chain itself. */
const MAX_PLAIN = 16;
const BLOCK_SIZE = 8;
/** Levels of blocks; with the chains above them the run of jumps stays within nf_tables' 15. */
const LEVELS = 3;

/** Folds full groups of 8 into blocks; what does not fill a group stays as it is. */
function fold(
  level: number,
  choices: readonly Choice[],
): { readonly blocks: readonly Block[]; readonly rest: readonly Choice[] } {
  const full = Math.floor(choices.length / BLOCK_SIZE);
  const blocks = Array.from({ length: full }, (_, index) => ({
    level,
    index,
    choices: choices.slice(index * BLOCK_SIZE, (index + 1) * BLOCK_SIZE),
  }));
  return { blocks, rest: choices.slice(full * BLOCK_SIZE) };
}

const blockChoice = (block: Block): Choice => ({
  kind: 'block',
  weight: block.choices.reduce((sum, { weight }) => sum + weight, 0),
  block,
});

/** The layout of these targets, given from the oldest to the newest. */
export function choiceTree(targets: readonly RuleTarget[]): ChoiceTree {
  let choices: readonly Choice[] = targets.map((target) => ({
    kind: 'instance',
    weight: target.weight,
    target,
  }));
  if (choices.length <= MAX_PLAIN) return { choices, blocks: [] };
  let newer: readonly Choice[] = [];
  const all: Block[] = [];
  for (let level = 1; level <= LEVELS; level += 1) {
    const { blocks, rest } = fold(level, choices);
    newer = [...rest, ...newer];
    choices = blocks.map(blockChoice);
    all.push(...blocks);
  }
  return { choices: [...choices, ...newer], blocks: all };
}
