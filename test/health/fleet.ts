/** Owns a fleet for tests of health: nodes of which all is well, and what tests change of it. */
import type { HealthView, NodeEvidence } from '../../src/health/evidence.ts';

/** Now, of every view that says nothing else. */
export const NOW_MS = 10_000_000;

/** Nodes `n0` … of which each has its lease and answers. */
export function nodes(
  count: number,
  change: (index: number) => Partial<NodeEvidence> = () => ({}),
): readonly NodeEvidence[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `n${index}`,
    answers: true,
    ...change(index),
  }));
}

/** A view; without anything said, of nothing. */
export function view(parts: Partial<HealthView>): HealthView {
  return {
    nodes: [],
    used: new Set(),
    excused: new Set(),
    nowMs: NOW_MS,
    watchingSinceMs: NOW_MS - 3_600_000,
    ...parts,
  };
}
