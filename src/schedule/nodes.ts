/**
 * Owns which nodes are silent and which of them are lost, as the leader sees them. Whether anything may follow from silence is health's to say
 * (health/gate.ts): this turns the leader's view into its evidence. Pure.
 */
import type { HealthView, InstanceEvidence } from '../health/evidence.ts';
import { gateOf } from '../health/gate.ts';
import { LOST_AFTER_MS } from '../health/standing.ts';
import { type ClusterState, type ClusterView, type NodeView, unitKey } from './view.ts';

/** Why nothing follows from silence, and what ends that. One line each, without numbers that change with every second. */
export interface Protection {
  readonly why: string;
  readonly ends: string;
}

/** What silence means now. */
export interface NodeStandings {
  readonly silent: ReadonlySet<string>;
  /** Silent long enough, and not protected. */
  readonly lost: ReadonlySet<string>;
  readonly protection: Protection | undefined;
}

/** People said that it need not be there. */
const isExcused = (node: NodeView): boolean =>
  node.facts?.value.cordoned === true || node.facts?.value.drain !== undefined;

/** Nodes that something is assigned to, or on which an instance is said to run. */
function nodesInUse(view: ClusterState): ReadonlySet<string> {
  const used = new Set(view.assignments.map(({ value }) => value.node));
  for (const instances of view.instances.values()) {
    for (const { value } of instances) if (value.node !== undefined) used.add(value.node);
  }
  return used;
}

/** All nodes by name, also those that only assignments and instances name: they are as silent as can be. */
export function silentNodes(view: ClusterState): readonly string[] {
  const known = [...view.nodes.values()].filter(({ aliveRevision }) => aliveRevision === undefined);
  const named = [...nodesInUse(view)].filter((name) => !view.nodes.has(name));
  return [...known.map(({ name }) => name), ...named].toSorted();
}

/** Managed instances that are assigned or said to run, each once. */
function instanceEvidence(view: ClusterState): readonly InstanceEvidence[] {
  const found = new Map<string, InstanceEvidence>();
  const add = (service: string, id: string, node: string | undefined): void =>
    void found.set(unitKey(service, id), { service, id, origin: 'managed', node, probes: [] });
  for (const instances of view.instances.values())
    for (const { value } of instances) add(value.service, value.id, value.node);
  for (const { value } of view.assignments) add(value.service, value.id, value.node);
  return [...found.values()];
}

/** The view as evidence. Nobody probes nodes yet, so that leases are all there is. */
function evidenceOf(view: ClusterView, silent: ReadonlySet<string>, nowMs: number): HealthView {
  const { silentSinceMs, storeBackMs, sinceMs } = view.memory;
  return {
    nodes: [...view.nodes.values()].map(({ name }) => ({
      name,
      probes: [],
      ...(silent.has(name) ? { silentSinceMs: silentSinceMs.get(name) ?? nowMs } : {}),
    })),
    instances: instanceEvidence(view),
    intent: {
      excusedNodes: new Set([...view.nodes.values()].filter(isExcused).map(({ name }) => name)),
      leaving: new Set(),
    },
    nowMs,
    watchingSinceMs: sinceMs ?? nowMs,
    storeBackMs,
  };
}

/** What silence means at `nowMs`. */
export function standNodes(view: ClusterView, nowMs: number): NodeStandings {
  const silent = new Set(silentNodes(view));
  const gate = gateOf(evidenceOf(view, silent, nowMs));
  if (gate.kind === 'closed') {
    const why = gate.reasons.map((reason) => reason.why).join('; ');
    const ends = gate.reasons.map((reason) => reason.ends).join(', and ');
    return { silent, lost: new Set(), protection: silent.size === 0 ? undefined : { why, ends } };
  }
  const sinceMs = (name: string): number => view.memory.silentSinceMs.get(name) ?? nowMs;
  const lost = [...silent].filter((name) => nowMs - sinceMs(name) >= LOST_AFTER_MS);
  return { silent, lost: new Set(lost), protection: undefined };
}
