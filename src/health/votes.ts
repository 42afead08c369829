/**
 * Owns what nodes say of each other (`reaches` in their markers, leased: what a silent node said is gone with it), and which nodes are out of reach by
 * that. It takes proof in both directions: several others had answers from it and have none now, and back again one answer is enough. Pure.
 */
import type { Reaches } from '../model/node.ts';

/** What every live node says, by its name; undefined: it asks nobody. */
export type Said = ReadonlyMap<string, Reaches | undefined>;

/** What one node says of another. */
export interface Vote {
  readonly by: string;
  readonly reaches: boolean;
}

/** So many others must agree, or all that are alive if there are fewer. */
const AGREE = 2;

/** What is said of each node by others, each sorted by who says it; nodes of which nothing is said are not in it. */
export function votesOf(said: Said): ReadonlyMap<string, readonly Vote[]> {
  const votes = new Map<string, Vote[]>();
  for (const [by, reaches = {}] of [...said].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    for (const [node, isReached] of Object.entries(reaches)) {
      if (node === by) continue;
      const known = votes.get(node) ?? [];
      votes.set(node, known);
      known.push({ by, reaches: isReached });
    }
  }
  return votes;
}

/** True if as many as must agree have no answer from it, and nobody has one. */
function isProven(node: string, votes: readonly Vote[], said: Said): boolean {
  const others = said.size - (said.has(node) ? 1 : 0);
  const needed = Math.max(1, Math.min(AGREE, others));
  return votes.length >= needed && votes.every(({ reaches }) => !reaches);
}

/** True if somebody has an answer. */
const isReached = (votes: readonly Vote[] = []): boolean => votes.some(({ reaches }) => reaches);

/** True if its agent is there and nobody says anything of it. */
const isForgotten = (node: string, votes: ReadonlyMap<string, unknown>, said: Said): boolean =>
  said.has(node) && !votes.has(node);

/** Nodes of which somebody has an answer though their agents are silent. */
export function answersAlone(nodes: ReadonlySet<string>, said: Said): readonly string[] {
  const votes = votesOf(said);
  return [...nodes].filter((node) => !said.has(node) && isReached(votes.get(node)));
}

/** What was, when it is asked again. */
export interface Before {
  /** Nodes that were out of reach. */
  readonly away: ReadonlySet<string>;
  /** Of those: machines that have answered for so long without an agent that nobody waits for it any more. */
  readonly unawaited?: ReadonlySet<string> | undefined;
}

/**
 * Nodes that are out of reach now. One that was stays so until somebody has an answer and its agent is there: a machine answers before what it
 * runs is up, and those who found it out may be gone themselves.
 */
export function nodesOutOfReach({ away: before, unawaited }: Before, said: Said): ReadonlySet<string> {
  const votes = votesOf(said);
  const away = new Set<string>();
  for (const [node, some] of votes) if (isProven(node, some, said)) away.add(node);
  for (const node of before) {
    const isFree = isReached(votes.get(node)) && (said.has(node) || unawaited?.has(node) === true);
    if (!isFree && !isForgotten(node, votes, said)) away.add(node);
  }
  return away;
}
