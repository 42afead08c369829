/** Owns the agent's side towards the store: follow it, hand what the rules depend on to the kernel side, acknowledge. */
import { untilAborted } from '../host/wait.ts';
import type { NodeFacts } from '../model/node.ts';
import type { InformerChange } from '../store/informer-options.ts';
import type { InformerState } from '../store/informer-state.ts';
import { type Informer, startInformer } from '../store/informer.ts';
import { AGENT_RANGE, GENERATION_KEY } from '../store/keys.ts';
import type { KeyValue, StoreEvent } from '../store/store.ts';
import type { Edges } from './instances/edges.ts';
import { entriesOf, instanceIp } from './instances/instance-ip.ts';
import type { RefusalHold } from './instances/refusal-hold.ts';
import { startSupervisor } from './instances/supervisor.ts';
import type { IpFor } from './instances/worker.ts';
import type { Kernel } from './kernel.ts';
import type { AgentOptions } from './options.ts';
import { openPeers } from './peers/open-peers.ts';
import { startPresence } from './presence.ts';
import { startAnnouncing } from './start-announcing.ts';

const SPEC_FAMILIES = ['service/', 'instance/', 'weights/'];

/** True for keys that rules are made from; other keys of the range must not wake the kernel side. */
const isSpecKey = (key: string): boolean =>
  key === GENERATION_KEY || SPEC_FAMILIES.some((family) => key.startsWith(family));

/** The spec keys of the copy: what is saved on disk. */
const specItems = (items: ReadonlyMap<string, KeyValue>): readonly KeyValue[] =>
  [...items.values()].filter(({ key }) => isSpecKey(key));

function eventOf(key: string, items: ReadonlyMap<string, KeyValue>, revision: number): StoreEvent {
  const item = items.get(key);
  return item === undefined ? { kind: 'delete', key, revision } : { kind: 'put', item };
}

/** Hands changes of the copy to the kernel side: the first listing, and one after the store was set back, in place of all that was known. */
function kernelFeed(kernel: Kernel): (change: InformerChange, items: Informer['items']) => void {
  let listed = false;
  return ({ revision, keys, setBack }, items) => {
    const specKeys = keys.filter(isSpecKey);
    if (!listed || setBack) kernel.replace(() => specItems(items), revision);
    else if (specKeys.length > 0)
      kernel.change(
        specKeys.map((key) => eventOf(key, items, revision)),
        revision,
      );
    listed = true;
  };
}

/** Who takes changed keys; `anew`: in place of all that was known. */
interface Follower {
  readonly changed: (keys: readonly string[], items: ReadonlyMap<string, KeyValue>, anew: boolean) => void;
}

/** Hands changes of the copy to a follower, the first listing and one after the store was set back as a whole. */
function feedOf(follower: Follower): (change: InformerChange, items: Informer['items']) => void {
  let listed = false;
  return ({ keys, setBack }, items) => {
    follower.changed(keys, items, !listed || setBack);
    listed = true;
  };
}

/** Says on the log and in the status file how fresh the view is. */
function freshness({ log }: AgentOptions, kernel: Kernel): (state: InformerState) => void {
  let wasConnected: boolean | undefined;
  return (state) => {
    kernel.setStale(state.staleSince);
    if (state.connected === wasConnected) return;
    if (state.connected) log.info('following the store', { revision: state.revision });
    else
      log.warn('the store is away; rules stay as they are', { staleSince: state.staleSince, why: state.why });
    wasConnected = state.connected;
  };
}

/** What follows the store besides the informer. */
export interface Followed {
  readonly facts: NodeFacts;
  readonly kernel: Kernel;
  /** This machine, for instances. Closed by its owner. */
  readonly edges: Edges;
  /** Refusals of its instances. Closed by its owner. */
  readonly hold: RefusalHold;
}

/** Follows the store until `options.signal` aborts. A store that is away is waited for; nothing is changed meanwhile. */
export async function followStore(
  options: AgentOptions,
  { facts, kernel, edges, hold }: Followed,
): Promise<void> {
  const { clock, log, node, random, stateDir } = options;
  const store = await options.openStore();
  const announcer = await startAnnouncing(options, store);
  let items: ReadonlyMap<string, KeyValue> = new Map();
  const ipFor: IpFor = (service, before) => instanceIp(facts, items, { service, before });
  const supervisor = await startSupervisor({
    node,
    stateDir,
    store,
    edges,
    clock,
    log,
    random,
    ipFor,
    entriesFor: (service) => entriesOf(service, items),
    withdraw: kernel.withdraw,
    inService: hold.inService,
    show: kernel.setManaged,
  });
  const peers = await openPeers(options, kernel, (reaches) => presence.reaching(reaches));
  const presence = startPresence({ store, facts, clock, log, onLease: announcer.leased });
  kernel.onApplied(presence.acknowledge);
  const feed = kernelFeed(kernel);
  const announce = feedOf(announcer);
  const lookAtPeers = feedOf(peers);
  const informer = startInformer({
    store,
    range: AGENT_RANGE,
    clock,
    random,
    onChange: (change) => {
      ({ items } = informer);
      // First, so that a listing brings no instance into the rules that is known to be out of reach.
      lookAtPeers(change, items);
      feed(change, items);
      announce(change, items);
      supervisor.recordsChanged(items, change.cause === 'list' ? undefined : change.keys);
    },
    onState: freshness(options, kernel),
  });
  const stopResync = options.onResync(() => {
    log.info('resync asked for');
    informer.resync();
    void kernel.resync();
  });
  try {
    await untilAborted(options.signal);
  } finally {
    stopResync();
    // Silent before the claims go with the lease, and another node takes over.
    await announcer.close();
    await Promise.all([informer.close(), presence.close(), supervisor.close(), peers.close()]);
    await store.close();
  }
}
