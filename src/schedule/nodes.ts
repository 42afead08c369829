/**
 * Owns which nodes are silent, which of them are lost, and when nothing may follow from silence (self-preservation): many nodes that fall
 * silent together are more likely the network's or the store's fault than theirs. Pure.
 */
import type { ClusterState, ClusterView, NodeView } from './view.ts';

/** A node silent for this long is lost. */
const LOST_AFTER_MS = 60_000;
/** Nodes that fall silent within this time of each other are counted together. */
const TOGETHER_MS = 60_000;
/** So many of them, and at least two, are too many: notes on Eureka's and Kubernetes' thresholds. */
const TOO_MANY_SHARE = 0.35;
const TOO_MANY_AT_LEAST = 2;
/** After the leader had lost the store itself, it believes no silence for this long. */
const DISTRUST_MS = 30_000;

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

/**
 * Nodes that should be there: not excused, and not gone since before the leader began to watch with nothing left on them (a machine that
 * was given back and whose facts nobody removed).
 */
function expectedNodes(view: ClusterView): readonly string[] {
  const used = nodesInUse(view);
  const { silentSinceMs, sinceMs } = view.memory;
  return [...view.nodes.values()]
    .filter((node) => !isExcused(node))
    .filter(
      ({ name, aliveRevision }) =>
        aliveRevision !== undefined || used.has(name) || (silentSinceMs.get(name) ?? sinceMs) > sinceMs,
    )
    .map(({ name }) => name);
}

/** Silent nodes that fell silent together with too many others. */
function fellTogether(silent: ReadonlyMap<string, number>, tooMany: number): ReadonlySet<string> {
  const together = new Set<string>();
  for (const fromMs of silent.values()) {
    const batch = [...silent].filter(([, ms]) => ms >= fromMs && ms <= fromMs + TOGETHER_MS);
    if (batch.length >= tooMany) for (const [name] of batch) together.add(name);
  }
  return together;
}

/** What silence means at `nowMs`. */
export function standNodes(view: ClusterView, nowMs: number): NodeStandings {
  const { silentSinceMs, storeBackMs } = view.memory;
  const silent = new Set(silentNodes(view));
  const sinceMs = (name: string): number => silentSinceMs.get(name) ?? nowMs;
  if (storeBackMs !== undefined && nowMs - storeBackMs < DISTRUST_MS) {
    const why = 'the leader itself had lost the store a moment ago';
    return {
      silent,
      lost: new Set(),
      protection:
        silent.size === 0 ? undefined : { why, ends: `${DISTRUST_MS / 1_000} s of following the store` },
    };
  }
  const expected = expectedNodes(view);
  const missing = new Map(
    expected.filter((name) => silent.has(name)).map((name) => [name, sinceMs(name)] as const),
  );
  const tooMany = Math.max(TOO_MANY_AT_LEAST, Math.ceil(TOO_MANY_SHARE * expected.length));
  const kept = fellTogether(missing, tooMany);
  const lost = [...silent].filter((name) => !kept.has(name) && nowMs - sinceMs(name) >= LOST_AFTER_MS);
  return { silent, lost: new Set(lost), protection: protectionOf(kept, expected.length, tooMany) };
}

function protectionOf(kept: ReadonlySet<string>, expected: number, tooMany: number): Protection | undefined {
  if (kept.size === 0) return undefined;
  const names = [...kept].toSorted().join(', ');
  return {
    why: `${kept.size} of ${expected} nodes fell silent together (${names}): ${tooMany} are too many to believe`,
    ends: `fewer than ${tooMany} of them silent, or those that are gone for good cordoned or drained`,
  };
}
