/**
 * Owns the time of a probe: its deadline and its abort as one signal with a word for each. Time in which this process could not listen (it
 * is starting, or the machine is busy) does not count: an answer may be there unread, and instances that are well would be taken for unwell,
 * all at once.
 */

/** A bounded question. */
export interface Bounded {
  /** Calls back once at the deadline or the abort. */
  readonly onEnd: (listener: (why: string) => void) => void;
  readonly close: () => void;
}

/** The time passes in pieces of this length; one that takes longer counts as one. */
const PIECE_MS = 50;

/** Calls back when so much time has passed in which it could have been called. @returns stops it */
function countdown(timeoutMs: number, done: () => void): () => void {
  let left = timeoutMs;
  let timer: NodeJS.Timeout;
  const next = (): void => {
    const piece = Math.min(left, PIECE_MS);
    timer = setTimeout(() => {
      left -= piece;
      if (left > 0) next();
      else done();
    }, piece);
  };
  next();
  return () => clearTimeout(timer);
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
  const stop = countdown(timeoutMs, () => listener?.(`no answer within ${timeoutMs} ms`));
  const abort = (): void => listener?.('stopped');
  signal.addEventListener('abort', abort, { once: true });
  return {
    onEnd: (callback) => {
      listener = callback;
      if (signal.aborted) callback('stopped');
    },
    close: () => {
      stop();
      signal.removeEventListener('abort', abort);
    },
  };
}
