/** Owns waiting until every live agent has applied a revision. */
import { APPLIED, NODES_ALIVE } from '../store/keys.ts';
import { type Nodes, nodesOf } from './cluster-read.ts';
import type { ReadDeps } from './deps.ts';
import { follow } from './follow.ts';
import { nodeProgress } from './items.ts';

/** A node that has not got there. */
interface PendingNode {
  readonly node: string;
  readonly appliedRevision: number | undefined;
}

/** A node that has applied the revision, but not everything in it. */
interface FailedNode {
  readonly node: string;
  readonly failures: readonly string[];
}

/** How far the live agents are. Sorted by node. */
export interface Convergence {
  readonly revision: number;
  /** Live agents, and how many of them have applied the revision without failures. */
  readonly nodes: number;
  readonly applied: number;
  readonly pending: readonly PendingNode[];
  readonly failed: readonly FailedNode[];
  /** Since the wait began. */
  readonly seconds: number;
  /** `converged`: all live agents; `no-agents`: there is none; `failed`: the deadline passed, all have applied it, but some with failures; `timeout`: the deadline passed. */
  readonly outcome: 'converged' | 'no-agents' | 'failed' | 'timeout';
}

/** Bounds of the wait. */
export interface ConvergeOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called at the start and whenever a number changes. */
  readonly onProgress?: ((now: Omit<Convergence, 'outcome'>) => void) | undefined;
}

/** How far the live agents are, as a pure function of what was read. */
function convergenceOf(nodes: Nodes, revision: number, seconds: number): Omit<Convergence, 'outcome'> {
  const live = nodeProgress(nodes, revision).filter(({ alive }) => alive);
  const failed = live.filter(({ current, failures }) => current && failures.length > 0);
  const pending = live.filter(({ current }) => !current);
  return {
    revision,
    nodes: live.length,
    applied: live.length - pending.length - failed.length,
    pending: pending.map(({ node, appliedRevision }) => ({ node, appliedRevision })),
    failed: failed.map(({ node, failures }) => ({ node, failures })),
    seconds,
  };
}

/** The outcome if the wait ended now; undefined: it has to go on. An agent with failures tries again, so it is waited for. */
function outcomeOf(now: Omit<Convergence, 'outcome'>): Convergence['outcome'] | undefined {
  if (now.nodes === 0) return 'no-agents';
  return now.applied === now.nodes ? 'converged' : undefined;
}

/**
 * Waits until every live agent (by its `node-alive` marker) has applied at least `revision` without failures. Reads once, then watches; a
 * node that dies meanwhile is no longer waited for, one that appears is. A deadline is an outcome, not an error.
 * @throws SluiceError `interrupted` on abort (what is written stands), `unavailable` if the store cannot be read at the start
 */
export async function waitConverged(
  deps: ReadDeps,
  revision: number,
  options: ConvergeOptions,
): Promise<Convergence> {
  const startMs = deps.clock.monotonicMs();
  const seconds = (): number => (deps.clock.monotonicMs() - startMs) / 1_000;
  let now = convergenceOf(nodesOf([]).nodes, revision, 0);
  let told = '';
  const end = await follow(deps, {
    ranges: [NODES_ALIVE, APPLIED],
    timeoutMs: options.timeoutMs,
    signal: options.signal,
    isDone: (items) => {
      now = convergenceOf(nodesOf([...items.values()]).nodes, revision, seconds());
      const key = JSON.stringify({ ...now, seconds: 0 });
      if (key !== told) options.onProgress?.(now);
      told = key;
      return outcomeOf(now) !== undefined;
    },
  });
  const late = now.nodes > 0 && now.pending.length === 0 ? 'failed' : 'timeout';
  return { ...now, seconds: seconds(), outcome: end === 'done' ? (outcomeOf(now) ?? late) : late };
}
