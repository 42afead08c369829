/**
 * Owns the words of one instance's life on its node: the phases it goes through, what happens to it, what was ordered. Pure data; times are
 * monotonic milliseconds. Each phase has at most one job (jobOf in phase-views.ts); what a job brings about comes back as an event.
 */
import type { OnDeadline } from '../../model/template.ts';

/** What of its template the life depends on, in milliseconds. */
export interface Timing {
  readonly successes: number;
  readonly failures: number;
  readonly startMs: number;
  readonly drainMs: number;
  readonly onDeadline: OnDeadline;
  readonly hasHook: boolean;
}

/** That it shall be taken away without loss. */
export interface StopWish {
  /** One line. */
  readonly reason: string;
  readonly drainMs: number;
  readonly onDeadline: OnDeadline;
}

/** Where an instance is in its life. */
export type Phase =
  /** A start is under way: policy, port, notes, driver. */
  | { readonly kind: 'pending' }
  /** Its process runs; it must be ready `until` then. */
  | { readonly kind: 'starting'; readonly until: number; readonly well: number }
  | { readonly kind: 'ready'; readonly since: number; readonly unwell: number }
  /** It was ready, its process runs, and it answers no more; if not ready again `until` then, it is started anew. */
  | { readonly kind: 'unwell'; readonly until: number; readonly well: number }
  /** Its process is being ended to be started anew. */
  | { readonly kind: 'ending' }
  /** It ended; started again at `until`. `loop`: it ends again and again. */
  | { readonly kind: 'failed'; readonly until: number; readonly loop: boolean }
  /** Taken out of the rules here; the state `draining` is being written. */
  | { readonly kind: 'announcing' }
  /** Waits for all live nodes to have applied `revision`, at most `until` then; connections may stay until `deadline`. */
  | {
      readonly kind: 'acknowledging';
      readonly revision: number;
      readonly until: number;
      readonly deadline: number;
    }
  /** The pre-stop hook runs. */
  | { readonly kind: 'hook'; readonly deadline: number }
  /** Waits for its connections to end. `none`: so many looks in a row have seen none. */
  | { readonly kind: 'connections'; readonly deadline: number; readonly none: number }
  /** Connections that are left are being reset. */
  | { readonly kind: 'resetting' }
  /** Signal, grace, KILL. */
  | { readonly kind: 'stopping' }
  /** No process; everything else of it stays until its assignment goes. */
  | { readonly kind: 'stopped' }
  /** Nothing is left of it. */
  | { readonly kind: 'gone' };

/** Everything that decides what becomes of one instance. */
export interface Life {
  readonly timing: Timing;
  readonly phase: Phase;
  /** Its assignment stands. */
  readonly assigned: boolean;
  readonly stop?: StopWish | undefined;
  /** Why it is in this phase, one line. */
  readonly why?: string | undefined;
  /** Starts after the first. */
  readonly restarts: number;
  /** Times of the ends that nobody ordered, not older than the window that counts. */
  readonly ends: readonly number[];
  /** Pause before the last restart without jitter; 0: none, or forgotten. */
  readonly pauseMs: number;
}

/** What happens to an instance. */
export type LifeEvent =
  /** What is wanted of it now, by its assignment and by people. */
  | { readonly kind: 'ordered'; readonly assigned: boolean; readonly stop?: StopWish | undefined }
  | { readonly kind: 'started' }
  | { readonly kind: 'start-failed'; readonly why: string }
  | { readonly kind: 'exited'; readonly why: string }
  /** It was asked `times` times in a row, with the same answer. */
  | {
      readonly kind: 'probed';
      readonly well: boolean;
      readonly times: number;
      readonly why?: string | undefined;
    }
  /** Its state `draining` is in the store, since this revision. */
  | { readonly kind: 'announced'; readonly revision: number }
  | { readonly kind: 'acknowledged' }
  | { readonly kind: 'hook-done'; readonly why?: string | undefined }
  | { readonly kind: 'connections'; readonly open: number }
  | { readonly kind: 'reset' }
  /** The driver has ended it. */
  | { readonly kind: 'stop-done'; readonly why?: string | undefined }
  | { readonly kind: 'removed' }
  /** Time has passed. */
  | { readonly kind: 'tick' };

/** When an event is told, and a number in [0, 1) for jitter. */
export interface Moment {
  readonly now: number;
  readonly random: number;
}

/** An instance that has just been assigned. */
export const newLife = (timing: Timing): Life => ({
  timing,
  phase: { kind: 'pending' },
  assigned: true,
  restarts: 0,
  ends: [],
  pauseMs: 0,
});
