/** Owns watching the load for a few beats, for whoever decides only once: means of what nodes and instances use, and a state of the balancer. */
import { readSignals, type Signals } from '../balance/adaptive/signals.ts';
import type { BalanceState } from '../balance/adaptive/state.ts';
import type { Clock } from '../host/clock.ts';
import type { NodeLoad } from '../model/load.ts';
import { followLoads } from '../sampling/latest-loads.ts';
import type { MeasuredUse } from '../schedule/moves.ts';
import { type ClusterView, liveNodes, type Now } from '../schedule/view.ts';
import { weighServices } from '../schedule/weigh.ts';
import { LOADS } from '../store/keys.ts';
import type { Store } from '../store/store.ts';

/** Between two looks at the samples. */
const LOOK_EVERY_MS = 500;

/** What watching needs. */
export interface WatchUseOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** For so long. */
  readonly watchMs: number;
  readonly view: ClusterView;
}

/** What was seen. */
export interface WatchedUse {
  /** Undefined if not every live node was heard: then the rest says nothing of where there is room. */
  readonly use: MeasuredUse | undefined;
  readonly signals: Signals;
  /** Of the balancer, by service. */
  readonly states: ReadonlyMap<string, BalanceState>;
}

/** What is known of one number by now. */
interface Mean {
  readonly sum: number;
  readonly count: number;
}

const meansOf = (means: ReadonlyMap<string, Mean>): ReadonlyMap<string, number> =>
  new Map([...means].map(([key, { sum, count }]) => [key, sum / count]));

/** Adds one more value to a mean, if there is one. */
function add(means: Map<string, Mean>, key: string, value: number | undefined): void {
  if (value === undefined) return;
  const { sum, count } = means.get(key) ?? { sum: 0, count: 0 };
  means.set(key, { sum: sum + value, count: count + 1 });
}

/** Means over samples, each counted once. */
function createMeans() {
  const nodes = new Map<string, Mean>();
  const instances = new Map<string, Mean>();
  const taken = new Map<string, number>();
  return {
    take: (loads: readonly NodeLoad[]): void => {
      for (const { node, at, cpu, instances: own } of loads) {
        if (taken.get(node) === at) continue;
        taken.set(node, at);
        add(nodes, node, cpu);
        for (const [key, { cpuCores }] of Object.entries(own)) add(instances, key, cpuCores);
      }
    },
    use: ({ nodes: known }: ClusterView): MeasuredUse | undefined => {
      const live = liveNodes({ nodes: known });
      if (live.length === 0 || live.some((name) => !nodes.has(name))) return undefined;
      return { nodes: meansOf(nodes), instances: meansOf(instances) };
    },
  };
}

/** Now, on both clocks. */
export const nowOf = (clock: Clock): Now => ({ ms: clock.monotonicMs(), at: clock.now().toISOString() });

/**
 * Watches. Where nobody publishes samples there is nothing to wait for.
 * @throws SluiceError `unavailable`, `permission`
 */
export async function watchUse(options: WatchUseOptions): Promise<WatchedUse> {
  const { store, clock, random, signal, watchMs, view } = options;
  let states: WatchedUse['states'] = new Map();
  const { count } = await store.count(LOADS, { signal });
  if (count === 0) return { use: undefined, signals: new Map(), states };
  const means = createMeans();
  const followed = followLoads({ store, clock, random, onState: () => undefined });
  const seen = () => [...followed.loads().values()];
  const signals = () => readSignals(seen(), liveNodes(view));
  try {
    const untilMs = clock.monotonicMs() + watchMs;
    while (clock.monotonicMs() < untilMs && !signal.aborted) {
      means.take(seen().map(({ load }) => load));
      const now = nowOf(clock);
      states = weighServices(view, { signals: signals(), now, states }).states;
      await clock.sleep(LOOK_EVERY_MS, signal);
    }
    means.take(seen().map(({ load }) => load));
    return { use: means.use(view), signals: signals(), states };
  } finally {
    await followed.close();
  }
}
