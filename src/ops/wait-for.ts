/** Owns `sluice wait`: until a condition of a thing holds. */
import type { Convergence } from './converge.ts';
import type { ReadDeps } from './deps.ts';
import type { Reference } from './reference.ts';

/** What to wait for. */
export type WaitCondition =
  /** Every live agent has applied the thing's last change; for a node: that node. */
  | { readonly kind: 'converged' }
  /** The service has at least one ready instance and all its instances are ready; the instance is ready; the node is alive without failures. */
  | { readonly kind: 'healthy' }
  /** The service has exactly this many ready instances. */
  | { readonly kind: 'instances'; readonly count: number };

/** How a wait ended. */
export interface WaitOutcome {
  readonly met: boolean;
  /** What is the case now, one line, e.g. '2 of 3 instances ready'. */
  readonly now: string;
  readonly seconds: number;
  readonly revision: number;
  /** For `converged` of a service or an instance. */
  readonly convergence: Convergence | undefined;
}

/** Bounds of the wait. */
export interface WaitOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Called at the start and whenever `now` changes. */
  readonly onProgress?: ((now: string) => void) | undefined;
}

/**
 * Waits for a condition. A passed deadline is an outcome (`met` false), not an error.
 * @throws SluiceError `not-found` (the thing is not there at the start, or goes away), `usage` (a condition that does not fit the reference), `interrupted`, `unavailable`
 */
export async function waitFor(
  deps: ReadDeps,
  reference: Reference,
  options: WaitOptions & { readonly condition: WaitCondition },
): Promise<WaitOutcome> {
  throw new Error(`in work ${deps.store.description} ${reference.kind} ${options.condition.kind}`);
}
