/** Owns what every use case gets as arguments: the store, time, randomness, and who is asking. */
import type { Clock } from '../host/clock.ts';
import type { Plan } from '../plan/plan.ts';
import type { ReadingOptions } from '../store/snapshot.ts';
import type { Store } from '../store/store.ts';

/** Who asks for a write: goes into the audit record. */
export interface WriteOrigin {
  /** Login name of the person or unit, e.g. 'root'. */
  readonly actor: string;
  /** Name of the machine. */
  readonly host: string;
  /** The command line as typed, without secrets. */
  readonly command: string;
}

/** What a reading use case needs. */
export interface ReadDeps {
  readonly store: Store;
  readonly clock: Clock;
  /** Of a store that answers from a copy in memory, for many; undefined: each record is read anew, in one go. */
  readonly reading?: ReadingOptions | undefined;
}

/** What a writing use case needs. */
export interface WriteDeps extends ReadDeps {
  /** A fresh request id each call, unique among all writers (host/clock.ts `randomId`). */
  readonly newId: () => string;
  /** Uniform in [0, 1): jitter of the backoff. */
  readonly random: () => number;
  readonly origin: WriteOrigin;
}

/** What every mutating use case takes besides its own arguments. */
export interface WriteOptions {
  /**
   * Write only if the service is as it was at this store revision: its record was last written at or before it, and never after;
   * 0 = the service must not exist. With several services it holds for each. A write that loses against others is tried again, up to
   * 5 times in all, as long as the condition holds.
   */
  readonly ifRevision?: number | undefined;
  /** Free text for the audit record. */
  readonly reason?: string | undefined;
  /**
   * Asked before anything is written, with all plans of the command, and again if a plan made anew after a conflict takes away more.
   * Rejects with SluiceError `not-confirmed` to stop. Without it nothing is asked: everything is consented to.
   */
  readonly confirm?: ((plans: readonly Plan[]) => Promise<void>) | undefined;
  /** Stops between two attempts or services, never in the middle of a transaction. */
  readonly signal?: AbortSignal | undefined;
}
