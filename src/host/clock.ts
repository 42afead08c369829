/** Owns time and randomness as arguments: what loops get instead of Date, setTimeout and Math.random. */

/** Time as an argument. Logic uses `monotonicMs`; `now` is for people. */
export interface Clock {
  /** Wall time; for records and messages only. */
  readonly now: () => Date;
  /** Never goes back; milliseconds from an arbitrary start. */
  readonly monotonicMs: () => number;
  /** Resolves after `ms`, or at once (without an error) when the signal aborts. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  // Not node:timers/promises: what ends early there makes an error with its stack, and loops are woken early all the time.
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      if (signal?.aborted === true) end();
      else signal?.addEventListener('abort', end, { once: true });
    }),
};

/** A fresh secret: 32 bytes of randomness, base64url. */
export function randomSecret(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url');
}

/** A fresh id: 16 hex characters of randomness. */
export function randomId(): string {
  // The global is loaded on first use; importing node:crypto costs every start 6 ms.
  return Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex');
}
