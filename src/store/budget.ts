/** Owns the time of one call of a store with all its attempts, and the loop over servers for what may be done twice. Must not know what travels. */
import type { Clock } from '../host/clock.ts';
import { DEFAULT_TIMEOUT_MS, interrupted, unavailable } from './failure.ts';
import type { CallOptions } from './store.ts';

/** What every store that asks servers has. */
export interface CallerParts {
  readonly description: string;
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
  /** Longest time of the attempt that begins now, at least 1 ms and never past the budget. */
  readonly attemptMs: () => number;
  /** Waits before the next attempt: 50 ms, doubling, with jitter; ends at once when the store is closed. */
  readonly pause: () => Promise<void>;
  /** @throws SluiceError `interrupted` or `unavailable` when nobody wants the answer any more */
  readonly check: () => void;
  /** Leaves an attempt that hangs when nobody wants its answer any more. */
  readonly leave: <F extends AttemptFailure, T>(attempt: Promise<Answer<T, F>>) => Promise<Answer<T, F>>;
}

/** Why an attempt has no answer. `not-sent`, `retry` and `busy`: another server, or the same one later, may do better. */
export interface AttemptFailure {
  readonly kind: string;
  /** One line without control characters and without secrets. */
  readonly text: string;
}

/** An answer, or why there is none. */
export type Answer<T, F extends AttemptFailure> = { readonly answer: T } | F | Abandoned;

/** Nobody wants the answer any more. */
interface Abandoned {
  readonly kind: 'retry';
  readonly text: string;
}

/** A server that may be passed over. */
interface Markable {
  readonly markBad: () => void;
}

/** Starts the time of a call. */
export function startBudget(parts: CallerParts, options: CallOptions = {}): Budget {
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
    attemptMs: () => Math.max(1, Math.min(attemptMs, remainingMs())),
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

/**
 * Asks one server after the other until one answers or the budget is used up. Only for what may be done twice.
 * @param pick the server to ask now
 * @param attempt one attempt at one server; errors are data
 * @returns the answer, or a failure that no other server would mend
 * @throws SluiceError `unavailable`, `interrupted`
 */
export async function askServers<S extends Markable, T, F extends AttemptFailure>(
  { parts, pick }: { readonly parts: CallerParts; readonly pick: () => S },
  budget: Budget,
  attempt: (server: S) => Promise<Answer<T, F>>,
): Promise<Answer<T, F>> {
  for (;;) {
    budget.check();
    const server = pick();
    const result = await budget.leave(attempt(server));
    budget.check();
    if ('answer' in result || !isTransient(result)) return result;
    server.markBad();
    await budget.pause();
    if (budget.remainingMs() <= 0) throw unavailable(result.text, { store: parts.description });
  }
}

/**
 * Sends once: another server is asked only while it is certain that the one before got nothing.
 * @param signal the caller has given up: nothing more is sent
 * @returns an answer; `retry`: it may have been done; `not-sent`, `busy`: it was not, and there is no time left; any other failure: final
 */
export async function sendOnce<S extends Markable, T, F extends AttemptFailure>(
  { parts, pick }: { readonly parts: CallerParts; readonly pick: () => S },
  budget: Budget,
  {
    attempt,
    signal,
  }: { readonly attempt: (server: S) => Promise<Answer<T, F>>; readonly signal?: AbortSignal | undefined },
): Promise<Answer<T, F>> {
  for (;;) {
    const server = pick();
    const result = await attempt(server);
    if ('answer' in result || !isTransient(result)) return result;
    server.markBad();
    if (result.kind === 'retry') return result;
    await budget.pause();
    if (budget.remainingMs() <= 0 || parts.closed.aborted || signal?.aborted === true) return result;
  }
}

/** True if another server, or the same one later, may do better. */
function isTransient(failure: AttemptFailure): boolean {
  return failure.kind === 'retry' || failure.kind === 'not-sent' || failure.kind === 'busy';
}

/** Listeners are taken off again: the signal of a store lives as long as its process. */
async function unlessAborted<T, F extends AttemptFailure>(
  attempt: Promise<Answer<T, F>>,
  signals: readonly AbortSignal[],
): Promise<Answer<T, F>> {
  const answered = new AbortController();
  const aborted = new Promise<Abandoned>((resolve) => {
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
