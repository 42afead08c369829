/** Owns reading once what the leader follows: the cluster at one revision, by the same decoders. */
import { emptyMemory, remember } from '../schedule/memory.ts';
import type { ClusterView } from '../schedule/view.ts';
import { AGENT_RANGE, ASSIGNMENTS, LEADER_KEY } from '../store/keys.ts';
import type { CallOptions, KeyValue, Store } from '../store/store.ts';
import { createClusterCopy } from './cluster-copy.ts';

/** The cluster as it was read. */
export interface ClusterReading {
  readonly revision: number;
  /** Nothing is remembered: whoever is silent may have been so for long. */
  readonly view: ClusterView;
  readonly leaderKey: KeyValue | undefined;
}

/**
 * Reads the cluster.
 * @param nowMs monotonic
 * @throws SluiceError `unavailable`, `permission`
 */
export async function readCluster(store: Store, nowMs: number, call: CallOptions): Promise<ClusterReading> {
  const { items, revision } = await store.list(AGENT_RANGE, call);
  const assigned = await store.list(ASSIGNMENTS, { ...call, revision });
  const byKey = new Map([...items, ...assigned.items].map((item) => [item.key, item]));
  const copy = createClusterCopy();
  copy.change([...byKey.keys()], byKey);
  const state = copy.state();
  return {
    revision,
    view: { ...state, memory: remember(emptyMemory(), state, nowMs) },
    leaderKey: byKey.get(LEADER_KEY),
  };
}
