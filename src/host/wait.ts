/** Owns waiting for a condition with a deadline. Must not be used where an event can be awaited. */
import { SluiceError } from '../errors.ts';
import { systemClock, type Clock } from './clock.ts';

/** How long to wait, and for what. */
export interface WaitOptions {
  /** What is awaited, for the error: 'etcd e1 to be healthy'. */
  readonly what: string;
  readonly timeoutMs: number;
  /** Pause between two checks; default 10 ms. */
  readonly everyMs?: number | undefined;
  /** Adds facts to the error, e.g. the log of the process that did not come up. */
  readonly facts?: (() => string) | undefined;
  readonly clock?: Clock | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Checks until the check gives something other than undefined or false, and gives that.
 * @throws SluiceError `timeout` past the deadline (the check runs at least once), `interrupted` if the signal aborts
 */
export async function waitUntil<T>(
  check: () => Promise<T | undefined | false> | T | undefined | false,
  options: WaitOptions,
): Promise<T> {
  const clock = options.clock ?? systemClock;
  const deadline = clock.monotonicMs() + options.timeoutMs;
  for (;;) {
    const value = await check();
    if (value !== undefined && value !== false) return value;
    if (options.signal?.aborted === true) {
      throw new SluiceError('interrupted', `stopped while waiting for ${options.what}`);
    }
    if (clock.monotonicMs() >= deadline) {
      throw new SluiceError('timeout', `waited ${options.timeoutMs} ms for ${options.what}`, {
        why: options.facts?.(),
      });
    }
    await clock.sleep(options.everyMs ?? 10, options.signal);
  }
}

/** Resolves when the signal aborts; at once if it has. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
