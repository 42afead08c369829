/** Owns the budget of a call: reads are tried on one server after the other until it is used up. Must not know what is read. */
import type { Clock } from '../../host/clock.ts';
import { DEFAULT_TIMEOUT_MS, interrupted, unavailable } from '../failure.ts';
import type { CallOptions } from '../store.ts';
import type { Endpoint, Endpoints } from './endpoints.ts';
import type { EtcdClient } from './etcd3.ts';
import { classify, type Failure, isFromEtcd, toSluiceError } from './grpc-error.ts';

/** What all parts of an etcd store share. */
export interface EtcdParts {
  readonly description: string;
  readonly endpoints: Endpoints;
  readonly clock: Clock;
  readonly random: () => number;
  readonly closed: AbortSignal;
}

/** Deadline of one attempt, so that a silent server leaves time for another one. */
const ATTEMPT_MS = 1_000;
/** Largest pause between two attempts. */
const MAX_PAUSE_MS = 500;

/** The time of one call with all its attempts. */
export interface Budget {
  readonly remainingMs: () => number;
  /** What grpc-js wants: wall time, at most one attempt away and never past the budget. */
  readonly deadline: () => number;
  /** Waits before the next attempt: 50 ms, doubling, with jitter; ends at once when the store is closed. */
  readonly pause: () => Promise<void>;
  /** @throws SluiceError `interrupted` or `unavailable` when nobody wants the answer any more */
  readonly check: () => void;
  /** Leaves an attempt that hangs when nobody wants its answer any more. */
  readonly leave: <T>(attempt: Promise<Answer<T>>) => Promise<Answer<T>>;
}

/** Starts the time of a call. */
export function startBudget(parts: EtcdParts, options: CallOptions = {}): Budget {
  const { clock, closed } = parts;
  const totalMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const endsAtMs = clock.monotonicMs() + totalMs;
  const remainingMs = (): number => endsAtMs - clock.monotonicMs();
  const signals = options.signal === undefined ? [closed] : [closed, options.signal];
  // A short budget is split, so that a lost answer can still be asked for; a long one (a large list) has room for slow attempts.
  const attemptMs = Math.max(Math.min(ATTEMPT_MS, totalMs * 0.4), totalMs / 5);
  let pauseMs = 50;
  return {
    remainingMs,
    leave: (attempt) => unlessAborted(attempt, signals),
    deadline: () => Date.now() + Math.max(1, Math.min(attemptMs, remainingMs())),
    pause: async () => {
      const ms = Math.max(0, Math.min(pauseMs * (0.5 + parts.random()), remainingMs()));
      pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
      await clock.sleep(ms, options.signal ?? closed);
    },
    check: () => {
      if (options.signal?.aborted === true) throw interrupted({ store: parts.description });
      if (closed.aborted) throw unavailable('the store was closed', { store: parts.description });
    },
  };
}

/** One attempt: may throw anything of etcd3. */
export type Ask<T> = (client: EtcdClient, deadline: number) => Promise<T>;

/** An answer, or why there is none. */
export type Answer<T> = { readonly answer: T } | Failure;

/**
 * Asks one server after the other until one answers or the budget is used up. Only for what may be done twice.
 * @returns the answer, or a failure that no other server would mend
 * @throws SluiceError `unavailable`, `interrupted`
 */
export async function askAny<T>(parts: EtcdParts, budget: Budget, question: Ask<T>): Promise<Answer<T>> {
  for (;;) {
    budget.check();
    const endpoint = parts.endpoints.pick();
    const result = await budget.leave(tryAt(endpoint, budget, question));
    budget.check();
    if ('answer' in result || !isTransient(result)) return result;
    endpoint.markBad();
    await budget.pause();
    if (budget.remainingMs() <= 0) throw unavailable(result.text, { store: parts.description });
  }
}

/** Like `askAny`, for callers to whom every failure is an error. */
export async function ask<T>(parts: EtcdParts, budget: Budget, question: Ask<T>): Promise<T> {
  const result = await askAny(parts, budget, question);
  if ('answer' in result) return result.answer;
  throw toSluiceError(result, parts.description);
}

/** One attempt at one server; errors become data. */
export async function tryAt<T>(endpoint: Endpoint, budget: Budget, question: Ask<T>): Promise<Answer<T>> {
  try {
    const client = await endpoint.client();
    return { answer: await question(client, budget.deadline()) };
  } catch (error) {
    if (!isFromEtcd(error)) throw error;
    return classify(error);
  }
}

/** True if another server, or the same one later, may do better. */
function isTransient(failure: Failure): boolean {
  return failure.kind === 'retry' || failure.kind === 'not-sent' || failure.kind === 'busy';
}

/** Listeners are taken off again: the signal of a store lives as long as its process. */
async function unlessAborted<T>(
  attempt: Promise<Answer<T>>,
  signals: readonly AbortSignal[],
): Promise<Answer<T>> {
  const answered = new AbortController();
  const aborted = new Promise<Failure>((resolve) => {
    for (const signal of signals) {
      const tell = (): void => resolve({ kind: 'retry', text: 'interrupted' });
      signal.addEventListener('abort', tell, { signal: answered.signal });
    }
  });
  try {
    return await Promise.race([attempt, aborted]);
  } finally {
    answered.abort();
  }
}
