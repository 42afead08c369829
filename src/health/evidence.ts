/** Owns the words of health: what is known of nodes, what was taken away on purpose, and what is judged from it. Pure data. */

/** What is known of a node. Times are by the clock of whoever judges. */
export interface NodeEvidence {
  readonly name: string;
  /** Since when its lease is gone; undefined: it is there. */
  readonly silentSinceMs?: number | undefined;
  /** Since when others have proven it to be out of reach (votes.ts); undefined: they have not. */
  readonly awaySinceMs?: number | undefined;
  /** Some other node has answers from its machine. */
  readonly answers: boolean;
}

/** Everything that is judged from. */
export interface HealthView {
  readonly nodes: readonly NodeEvidence[];
  /** Nodes that something is said to run on. */
  readonly used: ReadonlySet<string>;
  /** Cordoned or drained by people: their silence means nothing. */
  readonly excused: ReadonlySet<string>;
  readonly nowMs: number;
  /** Since when whoever judges follows the store. */
  readonly watchingSinceMs: number;
  /** When it had the store again after it had lost it, or after it was paused; undefined: never lost. */
  readonly storeBackMs?: number | undefined;
}

/** Why nothing follows from silence, and what ends that: one line each, without numbers that change every second. */
export interface GateReason {
  readonly why: string;
  readonly ends: string;
}

/** Self-preservation: while it is closed, nothing is evicted or started elsewhere because something is silent. */
export type Gate =
  { readonly kind: 'open' } | { readonly kind: 'closed'; readonly reasons: readonly GateReason[] };
