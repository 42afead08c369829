/**
 * Owns which nodes are silent and which of them are lost, as the leader sees them. Whether anything may follow from silence is health's to say
 * (health/judge.ts): this turns the leader's view into its evidence. Pure.
 */
import type { GateReason, HealthView } from '../health/evidence.ts';
import { judge, LOST_AFTER_MS } from '../health/judge.ts';
import { type Said, votesOf } from '../health/votes.ts';
import type { ClusterState, ClusterView, NodeView } from './view.ts';

/** What silence means now. */
export interface NodeStandings {
  readonly silent: ReadonlySet<string>;
  /** Silent long enough, and not protected. */
  readonly lost: ReadonlySet<string>;
  /** Silent long enough, and kept all the same, with the reason. */
  readonly kept: ReadonlyMap<string, GateReason>;
  readonly protection: GateReason | undefined;
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

/** What every live node says of others. */
export function saidIn({ nodes }: ClusterState): Said {
  return new Map(
    [...nodes.values()].flatMap(({ name, aliveRevision, reaches }) =>
      aliveRevision === undefined ? [] : [[name, reaches] as const],
    ),
  );
}

/** The view as evidence. */
function evidenceOf(view: ClusterView, silent: ReadonlySet<string>, nowMs: number): HealthView {
  const { silentSinceMs, awaySinceMs, storeBackMs, sinceMs } = view.memory;
  const votes = votesOf(saidIn(view));
  return {
    nodes: [...view.nodes.values()].map(({ name }) => ({
      name,
      awaySinceMs: awaySinceMs.get(name),
      answers: votes.get(name)?.some(({ reaches }) => reaches) === true,
      ...(silent.has(name) ? { silentSinceMs: silentSinceMs.get(name) ?? nowMs } : {}),
    })),
    used: nodesInUse(view),
    excused: new Set([...view.nodes.values()].filter(isExcused).map(({ name }) => name)),
    nowMs,
    watchingSinceMs: sinceMs ?? nowMs,
    storeBackMs,
  };
}

const NO_KEPT: NodeStandings['kept'] = new Map();

/** What silence means at `nowMs`. @param lostAfterMs silence of a node that is long */
export function standNodes(view: ClusterView, nowMs: number, lostAfterMs = LOST_AFTER_MS): NodeStandings {
  const silent = new Set(silentNodes(view));
  const { gate, lost, kept } = judge(evidenceOf(view, silent, nowMs), lostAfterMs);
  if (gate.kind === 'closed') {
    const why = gate.reasons.map((reason) => reason.why).join('; ');
    const ends = gate.reasons.map((reason) => reason.ends).join(', and ');
    const protection = silent.size === 0 ? undefined : { why, ends };
    return { silent, lost: new Set(), kept: NO_KEPT, protection };
  }
  const sinceMs = (name: string): number => view.memory.silentSinceMs.get(name) ?? nowMs;
  // Of those that only instances and assignments name there is nothing to judge by but time.
  const unknown = [...silent].filter((name) => !view.nodes.has(name) && nowMs - sinceMs(name) >= lostAfterMs);
  return { silent, lost: new Set([...lost, ...unknown]), kept, protection: undefined };
}
