/** Owns the samples of all nodes as a monitor reads them: followed while it leads, since what everybody follows costs everybody. */
import { readSignals, type Signals } from '../balance/adaptive/signals.ts';
import type { HeardLoad } from '../balance/scaling-samples.ts';
import type { Clock } from '../host/clock.ts';
import { type FollowedLoads, followLoads } from '../sampling/latest-loads.ts';
import type { Store } from '../store/store.ts';

/** The samples of all nodes, while somebody wants them. */
export interface Samples {
  /** Begins to follow them, if it does not. */
  readonly follow: () => void;
  /** Stops following them. */
  readonly leave: () => Promise<void>;
  /** True once every node that publishes was heard anew since they are followed, or that was waited for long enough. */
  readonly settled: () => boolean;
  /** What is known of each instance now; nothing while they are not followed. @param forwarding nodes that are alive */
  readonly signals: (forwarding: readonly string[]) => Signals;
  /** What each node said last, and when it came. */
  readonly heard: () => ReadonlyMap<string, HeardLoad>;
  /** Use of processors by node, 0 to 1, of those that told it. */
  readonly useOfNodes: () => ReadonlyMap<string, number>;
}

/** Two beats and a half: a node that says nothing for so long says nothing. */
const SETTLED_MS = 5_000;
/** A sample that came by itself, not with the first listing. */
const HEARD_MS = 2_500;

/** Samples that nobody follows yet. */
export function createSamples(options: {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
}): Samples {
  let followed: FollowedLoads | undefined;
  let sinceMs = 0;
  return {
    follow: () => {
      if (followed === undefined) sinceMs = options.clock.monotonicMs();
      followed ??= followLoads({ ...options, onState: () => undefined });
    },
    leave: async () => {
      const was = followed;
      followed = undefined;
      await was?.close();
    },
    settled: () => {
      if (followed === undefined) return false;
      if (options.clock.monotonicMs() - sinceMs >= SETTLED_MS) return true;
      const ages = [...followed.loads().values()].map(({ ageMs }) => ageMs);
      return followed.state().revision > 0 && ages.every((ageMs) => ageMs <= HEARD_MS);
    },
    signals: (forwarding) => readSignals([...(followed?.loads().values() ?? [])], forwarding),
    heard: () => {
      const nowMs = options.clock.monotonicMs();
      return new Map(
        [...(followed?.loads() ?? [])].map(([node, { load, ageMs }]) => [
          node,
          { load, arrivedMs: nowMs - ageMs },
        ]),
      );
    },
    useOfNodes: () =>
      new Map(
        [...(followed?.loads() ?? [])].flatMap(([node, { load }]) =>
          load.cpu === undefined ? [] : [[node, load.cpu] as const],
        ),
      ),
  };
}
