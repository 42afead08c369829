/** Owns which nodes probe which: each is probed by a few others that everybody computes alike, so that nobody has to hand out the work. Pure. */
import { rankFor } from '../model/rendezvous.ts';

/** So many others probe a node: two must agree, and one may be down itself. */
const PROBERS = 3;

/** The nodes that probe this one, first choice first; all others if they are fewer. */
export function probersOf(node: string, nodes: readonly string[]): readonly string[] {
  return rankFor(
    node,
    nodes.filter((other) => other !== node),
  ).slice(0, PROBERS);
}

/**
 * The nodes that this one is to probe, sorted. Costs a hash for each pair of nodes (500 nodes: a second): compute it when nodes come or go, not
 * for every probe.
 */
export function probeTargets(self: string, nodes: readonly string[]): readonly string[] {
  return nodes.filter((node) => node !== self && probersOf(node, nodes).includes(self)).toSorted();
}
