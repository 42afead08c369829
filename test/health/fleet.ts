/** Owns a fleet for tests of health: nodes and instances of which all is well, and what tests change of it. */
import type { HealthView, InstanceEvidence, NodeEvidence, Probe } from '../../src/health/evidence.ts';

/** Now, of every view that says nothing else. */
export const NOW_MS = 10_000_000;

/** Probes by so many others that answer. */
export const answering = (atMs: number, count = 3): readonly Probe[] =>
  Array.from({ length: count }, (_, index) => ({ by: `prober-${index}`, atMs, failures: 0 }));

/** Probes by so many others that have had no answer for so long. */
export const failing = (atMs: number, forMs: number, count = 3): readonly Probe[] =>
  answering(atMs, count).map((probe) => ({ ...probe, failures: 4, failingSinceMs: atMs - forMs }));

/** A probe that says that nothing listens there. */
export const refused = (atMs: number): readonly Probe[] =>
  failing(atMs, 3_000, 1).map((probe) => ({ ...probe, isRefused: true }));

/** Nodes `n0` … of which each is heard and answers. */
export function nodes(
  count: number,
  change: (index: number) => Partial<NodeEvidence> = () => ({}),
): readonly NodeEvidence[] {
  return Array.from({ length: count }, (_, index) => {
    return { name: `n${index}`, heardMs: NOW_MS - 1_000, probes: answering(NOW_MS), ...change(index) };
  });
}

/** Registered instances `web/0` … */
export function registered(
  count: number,
  change: (index: number) => Partial<InstanceEvidence> = () => ({}),
): readonly InstanceEvidence[] {
  return Array.from({ length: count }, (_, index) => {
    const common = {
      service: 'web',
      id: String(index),
      origin: 'registered',
      leaseMs: 30_000,
      probes: [],
    } as const;
    return { ...common, ...change(index) };
  });
}

/** A view; without anything said, of nothing. */
export function view(parts: Partial<HealthView>): HealthView {
  return {
    nodes: [],
    instances: [],
    intent: { excusedNodes: new Set(), leaving: new Set() },
    nowMs: NOW_MS,
    watchingSinceMs: NOW_MS - 3_600_000,
    ...parts,
  };
}
