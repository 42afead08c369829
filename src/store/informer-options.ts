/** Owns what an informer is given and what it tells; and what its steps share. Types only. */
import type { Clock } from '../host/clock.ts';
import type { InformerCache } from './informer-cache.ts';
import type { InformerState, StateKeeper } from './informer-state.ts';
import type { KeyRange, Store, StoreEvent } from './store.ts';

/** What changed, whole transactions at a time. */
export interface InformerChange {
  /** The copy is at this revision now. */
  readonly revision: number;
  /** Keys added, changed or removed, sorted; may be empty after a listing that only moved the revision. */
  readonly keys: readonly string[];
  /** What was applied, in order; empty after a listing. */
  readonly events: readonly StoreEvent[];
  readonly cause: 'list' | 'events';
  /** The store was set back to a backup: this revision is lower than one told before, or of another history. */
  readonly setBack: boolean;
}

/** What to follow, and whom to tell. Handlers must not throw. */
export interface InformerOptions {
  readonly store: Store;
  readonly range: KeyRange;
  readonly clock: Clock;
  /** Numbers in [0, 1), for jitter. */
  readonly random: () => number;
  readonly onChange: (change: InformerChange) => void;
  readonly onState?: ((state: InformerState) => void) | undefined;
}

/** What the steps of the loop share. */
export interface InformerParts extends InformerOptions {
  readonly cache: InformerCache;
  readonly state: StateKeeper;
  readonly stop: AbortSignal;
  /** Aborted when somebody asks for a listing; replaced once it is done. */
  readonly resync: { wanted: AbortController };
}
