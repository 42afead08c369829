/** Owns whether the store is followed, as watchers may take it: a change of its leader, 1-2 s, is no loss. */
import type { Clock } from '../../host/clock.ts';
import type { InformerState } from '../../store/informer-state.ts';

/** So long the store may be away before it counts as lost. */
const AWAY_GRACE_MS = 3_000;

/** Whether the store is followed. */
export interface Following {
  /** False until the store is followed, and again when it has been away for long. */
  readonly now: () => boolean;
  readonly onState: (state: InformerState) => void;
}

/**
 * Not followed yet.
 * @param closing ends the waiting
 * @param onLost called when it has been away for long. Must not throw
 */
export function createFollowing(clock: Clock, closing: AbortSignal, onLost: () => void): Following {
  let following = false;
  let away: AbortController | undefined;
  const endIfAway = async (back: AbortSignal): Promise<void> => {
    await clock.sleep(AWAY_GRACE_MS, AbortSignal.any([back, closing]));
    if (back.aborted) return;
    following = false;
    onLost();
  };
  return {
    now: () => following,
    onState: ({ connected }) => {
      if (connected) {
        away?.abort();
        away = undefined;
        following = true;
      } else if (away === undefined) {
        away = new AbortController();
        void endIfAway(away.signal);
      }
    },
  };
}
