/** Owns the time of a probe: its deadline and its abort as one signal with a word for each. */

/** A bounded question. */
export interface Bounded {
  /** Calls back once at the deadline or the abort. */
  readonly onEnd: (listener: (why: string) => void) => void;
  readonly close: () => void;
}

/** Starts the time. */
export function bound({
  timeoutMs,
  signal,
}: {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}): Bounded {
  let listener: ((why: string) => void) | undefined;
  const timer = setTimeout(() => listener?.(`no answer within ${timeoutMs} ms`), timeoutMs);
  const abort = (): void => listener?.('stopped');
  signal.addEventListener('abort', abort, { once: true });
  return {
    onEnd: (callback) => {
      listener = callback;
      if (signal.aborted) callback('stopped');
    },
    close: () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    },
  };
}
