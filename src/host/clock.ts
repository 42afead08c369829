/** Owns time and randomness as arguments: what loops get instead of Date, setTimeout and Math.random. */
import { setTimeout as delay } from 'node:timers/promises';

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
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
      if (!(error instanceof Error && error.name === 'AbortError')) throw error;
    });
  },
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
