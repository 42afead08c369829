/** Owns waiting until every live agent has applied a revision. */
import type { ReadDeps } from './deps.ts';

/** A node that has not got there. */
export interface PendingNode {
  readonly node: string;
  readonly appliedRevision: number | undefined;
}

/** A node that has applied the revision, but not everything in it. */
export interface FailedNode {
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
  /** `converged`: all live agents; `no-agents`: there is none; `failed`: all have applied it, some with failures; `timeout`: the deadline passed. */
  readonly outcome: 'converged' | 'no-agents' | 'failed' | 'timeout';
}

/** Bounds of the wait. */
export interface ConvergeOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called at the start and whenever a number changes. */
  readonly onProgress?: ((now: Omit<Convergence, 'outcome'>) => void) | undefined;
}

/**
 * Waits until every live agent (by its `node-alive` marker) has applied at least `revision`. Reads once, then watches; a node that
 * dies meanwhile is no longer waited for, one that appears is. A deadline is an outcome, not an error. Nodes with failures are waited for
 * until the deadline as long as others are pending, since an agent retries.
 * @throws SluiceError `interrupted` on abort (what is written stands), `unavailable` if the store cannot be read at the start
 */
export async function waitConverged(
  deps: ReadDeps,
  revision: number,
  options: ConvergeOptions,
): Promise<Convergence> {
  throw new Error(`in work ${deps.store.description} ${revision} ${options.timeoutMs}`);
}
