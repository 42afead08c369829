/**
 * Owns what a monitor sees, leading or not: two informers (assignments sort before everything else that it needs), the copy made from them,
 * and what it remembers of silence and failures, so that a new leader knows what the old one knew.
 */
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { Snapshot } from '../model/snapshot.ts';
import { createSnapshotCopy } from '../sampling/snapshot-copy.ts';
import { emptyMemory, remember, storeCameBack } from '../schedule/memory.ts';
import type { ClusterView } from '../schedule/view.ts';
import type { InformerChange } from '../store/informer-options.ts';
import { type Informer, startInformer } from '../store/informer.ts';
import { AGENT_RANGE, ASSIGNMENTS, LEADER_KEY } from '../store/keys.ts';
import type { KeyRange, KeyValue, Store } from '../store/store.ts';
import type { Bell } from '../host/bell.ts';
import { createClusterCopy } from './cluster-copy.ts';
import { type Evictions, startEvictions } from './evictions.ts';
import type { ReadAt } from './transaction.ts';

/** A monitor that did not look for this long has seen nothing of what happened: paused, or the machine was asleep. */
const GAP_MS = 10_000;

/** What is there now, with what is remembered, and up to which revisions that is whole. */
export interface Look {
  readonly view: ClusterView;
  readonly readAt: ReadAt;
}

/** What is seen. */
export interface Watching {
  /** Resolves when everything was listed once. @throws SluiceError `unavailable`, `permission`, `config` */
  readonly synced: (timeoutMs: number) => Promise<void>;
  /** True while the copy follows the store. */
  readonly connected: () => boolean;
  /** Of services, instances, nodes and the leader's key; 0 before the first listing. */
  readonly revision: () => number;
  /** Services and instances as far as is known; undefined before the first listing. */
  readonly snapshot: () => Snapshot | undefined;
  /** The leader's key as far as is known. */
  readonly leaderKey: () => KeyValue | undefined;
  /** Looks. Call it at least every few seconds. */
  readonly look: () => Look;
  /** Removal of silent registered instances. */
  readonly evictions: Evictions;
  readonly close: () => Promise<void>;
}

/** What it needs. */
export interface WatchingOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Rung at every change. */
  readonly bell: Bell;
}

/** Begins to watch. */
export function startWatching({ store, clock, random, log, bell }: WatchingOptions): Watching {
  const copy = createClusterCopy();
  const records = createSnapshotCopy();
  const follow = (range: KeyRange): Informer => {
    const informer: Informer = startInformer({
      store,
      range,
      clock,
      random,
      onChange: (change: InformerChange) => {
        copy.change(change.keys, informer.items);
        if (range === AGENT_RANGE) records.change(change, informer.items);
        bell.ring();
      },
      onState: bell.ring,
    });
    return informer;
  };
  const evictions = startEvictions({ store, clock, random, log, bell });
  const cluster = follow(AGENT_RANGE);
  const assignments = follow(ASSIGNMENTS);
  const connected = (): boolean =>
    cluster.state().connected && assignments.state().connected && evictions.connected();
  let memory = emptyMemory();
  /** Undefined until it follows for the first time. */
  let following: boolean | undefined;
  let lookedAtMs = clock.monotonicMs();

  /** Notices that the store was away, or that this process was: what was not seen meanwhile is no evidence. */
  const noticeGaps = (): void => {
    const nowMs = clock.monotonicMs();
    const gapMs = Math.round(nowMs - lookedAtMs);
    const isConnected = connected();
    if (following === true && !isConnected)
      log.warn('the store is away; nothing is decided', { why: cluster.state().why });
    if (following === false && isConnected) log.info('following the store again');
    if (gapMs > GAP_MS) log.warn('did not look for a while; silence is not believed yet', { gapMs });
    if (following === false || gapMs > GAP_MS) memory = storeCameBack(memory, nowMs);
    if (isConnected || following !== undefined) following = isConnected;
    lookedAtMs = nowMs;
  };
  return {
    connected,
    evictions,
    synced: async (timeoutMs) => {
      await Promise.all([cluster, assignments, evictions].map((one) => one.synced(timeoutMs)));
    },
    revision: () => cluster.state().revision,
    snapshot: records.snapshot,
    leaderKey: () => cluster.items.get(LEADER_KEY),
    look: () => {
      noticeGaps();
      const state = copy.state();
      memory = remember(memory, state, clock.monotonicMs());
      evictions.look();
      const readAt = { assignments: assignments.state().revision, cluster: cluster.state().revision };
      return { view: { ...state, memory }, readAt };
    },
    close: async () => {
      await Promise.all([cluster.close(), assignments.close(), evictions.close()]);
    },
  };
}
