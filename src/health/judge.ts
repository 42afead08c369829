/**
 * Owns what follows from the evidence: which nodes are lost, so that what they ran is started elsewhere, and why others are not, though they have
 * been silent for long. Pure.
 */
import type { Gate, GateReason, HealthView, NodeEvidence } from './evidence.ts';
import { expectedNodes } from './expectation.ts';
import { gateOf } from './gate.ts';

/** A node silent for so long is lost unless told otherwise: its agent had time for a restart, its machine for none. */
export const LOST_AFTER_MS = 60_000;
/** The machine answers, so its instances may serve as ever; but an agent that is away for so long keeps none of them well. */
const AGENT_LOST_AFTER_MS = 600_000;
/** With fewer nodes than this nobody can tell a dead one from a cut: silence alone is not enough. */
const FEW_NODES = 3;

/** What follows now. */
export interface Judgement {
  readonly gate: Gate;
  /** Nodes whose instances are to be started elsewhere; none while the gate is closed. */
  readonly lost: ReadonlySet<string>;
  /** Nodes that have been silent for long and are not lost, each with the reason; none while the gate is closed. */
  readonly kept: ReadonlyMap<string, GateReason>;
}

/** Why a node that has been silent for long is not given up; undefined: it is. */
function keptReason({ silentSinceMs, awaySinceMs, answers }: NodeEvidence, now: Now): GateReason | undefined {
  if (awaySinceMs !== undefined) return undefined;
  if (now.isFew)
    return {
      why: 'with two nodes silence alone does not tell a dead one from one that is cut off, and the other has not found its machine out of reach',
      ends: 'its agent back, no answer from its machine, or the node cordoned or drained',
    };
  if (!answers || now.ms - (silentSinceMs ?? now.ms) >= AGENT_LOST_AFTER_MS) return undefined;
  return {
    why: 'its agent is silent but its machine answers other nodes, so its instances may well serve',
    ends: 'its agent back, no answer from its machine, or ten minutes of silence',
  };
}

interface Now {
  readonly ms: number;
  readonly isFew: boolean;
}

/** Judges once. @param lostAfterMs silence of a node that is long */
export function judge(view: HealthView, lostAfterMs: number): Judgement {
  const gate = gateOf(view);
  if (gate.kind === 'closed') return { gate, lost: new Set(), kept: new Map() };
  const { nodes, nowMs, excused } = view;
  const isFew = expectedNodes(view).length < FEW_NODES;
  const silent = nodes.filter(
    ({ silentSinceMs }) => silentSinceMs !== undefined && nowMs - silentSinceMs >= lostAfterMs,
  );
  const kept = new Map<string, GateReason>();
  for (const node of silent) {
    const reason = keptReason(node, { ms: nowMs, isFew: isFew && !excused.has(node.name) });
    if (reason !== undefined) kept.set(node.name, reason);
  }
  return { gate, kept, lost: new Set(silent.map(({ name }) => name).filter((name) => !kept.has(name))) };
}
