/**
 * Owns what the agent says of itself in the store: the node's facts, a leased marker that it is alive (and whom it reaches), and the
 * acknowledgement of what is in the kernel. The latest acknowledgement wins; a lost lease is taken anew, everything is said
 * again, and the marker never goes meanwhile if the store is there. Nothing here ever stops the rules.
 */
import { SluiceError } from '../errors.ts';
import { createBell } from '../host/bell.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { Applied, NodeFacts, Reaches } from '../model/node.ts';
import { decodeNode, encodeApplied, encodeNode, encodeNodeAlive } from '../model/records-node.ts';
import { appliedKey, nodeAliveKey, nodeKey } from '../store/keys.ts';
import type { KeyValue, Lease, Operation, Store } from '../store/store.ts';

/** Lease of the markers in seconds: how long a dead agent counts as alive. */
const PRESENCE_TTL_SECONDS = 10;
const RETRY_FIRST_MS = 200;
const RETRY_LAST_MS = 5_000;
/**
 * Acknowledgements are this far apart at least, unless something in the kernel changed: while many instances start, most changes of the store
 * change no rule, and each word of each node is an event for whoever waits.
 */
const BETWEEN_WORDS_MS = 200;
/** Looked again at the latest, though nobody called. */
const LONG_MS = 3_600_000;

/** What presence needs. */
export interface PresenceOptions {
  readonly store: Store;
  readonly facts: NodeFacts;
  readonly clock: Clock;
  readonly log: Log;
  /** Told of each lease that the node is announced under, once it is. */
  readonly onLease?: ((lease: Lease) => void) | undefined;
}

/** A running presence. */
export interface Presence {
  /** Says what is in the kernel now; sent as soon as the store takes it, older ones are dropped. */
  readonly acknowledge: (applied: Applied) => void;
  /** Says which other nodes answer, in the marker; sent as soon as the store takes it, older ones are dropped. */
  readonly reaching: (reaches: Reaches) => void;
  /** Sends what waits (bounded by 1 s), gives the lease up. */
  readonly close: () => Promise<void>;
}

/** What is said beside the facts. */
interface Told {
  readonly applied: Applied | undefined;
  readonly reaches: Reaches | undefined;
}

/** True if a live marker under this node's name belongs to a machine with none of our addresses. */
function belongsToAnother(mine: NodeFacts, node: KeyValue | undefined): boolean {
  if (node === undefined) return false;
  const theirs = decodeNode(mine.name, node.value).value;
  return theirs.addresses.length > 0 && !theirs.addresses.some((address) => mine.addresses.includes(address));
}

/**
 * Writes facts, marker and acknowledgement in one transaction; fields that others set in the facts (cordoned) are kept. What an earlier
 * life acknowledged is taken back if this one has applied nothing yet: after a reboot the kernel is empty.
 */
async function announce(
  { store, facts }: PresenceOptions,
  lease: Lease,
  { applied, reaches }: Told,
): Promise<void> {
  const [node, alive] = await Promise.all([
    store.get(nodeKey(facts.name)),
    store.get(nodeAliveKey(facts.name)),
  ]);
  if (alive.item !== undefined && belongsToAnother(facts, node.item)) {
    throw new SluiceError('conflict', `the node name '${facts.name}' is in use by another machine`, {
      why: `node-alive/${facts.name} is held by a machine with other addresses`,
      fix: 'start this agent with another --node name',
      details: { node: facts.name },
    });
  }
  const raw = node.item === undefined ? {} : decodeNode(facts.name, node.item.value).raw;
  const answer = await store.transact({
    compares: [{ kind: 'mod-revision', key: nodeKey(facts.name), equals: node.item?.modRevision ?? 0 }],
    operations: [
      { kind: 'put', key: nodeKey(facts.name), value: encodeNode(facts, raw) },
      markerOf(facts, lease, reaches),
      applied === undefined
        ? { kind: 'delete', key: appliedKey(facts.name) }
        : { kind: 'put', key: appliedKey(facts.name), value: encodeApplied(applied) },
    ],
  });
  if (answer.kind === 'conflict') {
    throw new SluiceError('conflict', `node/${facts.name} was changed at the same time`);
  }
}

/** The leased marker. */
function markerOf({ name, startedAt }: NodeFacts, { id }: Lease, reaches: Reaches | undefined): Operation {
  const value = encodeNodeAlive({ name, since: startedAt, reaches });
  return { kind: 'put', key: nodeAliveKey(name), value, lease: id };
}

/** True if both say the same of the kernel, of different revisions. */
const isSameKernel = (one: Applied, other: Applied | undefined): boolean =>
  other !== undefined &&
  one.rulesHash === other.rulesHash &&
  one.entries === other.entries &&
  one.instances === other.instances &&
  one.failures.join('\n') === other.failures.join('\n');

/** Writes one acknowledgement: not leased, since what is in the kernel stays there when the agent goes. */
async function sendApplied(store: Store, applied: Applied): Promise<void> {
  await store.transact({
    compares: [],
    operations: [{ kind: 'put', key: appliedKey(applied.node), value: encodeApplied(applied) }],
  });
}

/** Starts presence; it retries by itself until closed. */
export function startPresence(options: PresenceOptions): Presence {
  const { store, clock, log } = options;
  const closing = new AbortController();
  let latest: Told = { applied: undefined, reaches: undefined };
  let sent = latest;
  let appliedMs = -Infinity;
  const bell = createBell(clock);

  /** Sends what is to be said, the latest first and last, until the lease is lost or presence ends. */
  const sendLatest = async (lease: Lease): Promise<void> => {
    while (!closing.signal.aborted && !lease.lost.aborted) {
      const { applied, reaches } = latest;
      if (reaches !== sent.reaches) {
        await store.transact({ compares: [], operations: [markerOf(options.facts, lease, reaches)] });
        sent = { ...sent, reaches };
        continue;
      }
      const isNews = applied !== undefined && applied !== sent.applied;
      const mayWait = isNews && isSameKernel(applied, sent.applied);
      const pauseMs = mayWait ? appliedMs + BETWEEN_WORDS_MS - clock.monotonicMs() : 0;
      if (isNews && pauseMs <= 0) {
        appliedMs = clock.monotonicMs();
        await sendApplied(store, applied);
        sent = { ...sent, applied };
      } else {
        await bell.wait(isNews ? pauseMs : LONG_MS, closing.signal);
      }
    }
  };

  const liveOnce = async (): Promise<void> => {
    const { facts } = options;
    const lease = await store.grantLease(PRESENCE_TTL_SECONDS);
    lease.lost.addEventListener('abort', bell.ring);
    let isAnnounced = false;
    try {
      sent = latest;
      await announce(options, lease, sent);
      isAnnounced = true;
      log.info('node announced', { node: facts.name, addresses: facts.addresses });
      options.onLease?.(lease);
      await sendLatest(lease);
      if (!closing.signal.aborted) log.warn('lease lost, announcing again', { node: facts.name });
    } finally {
      lease.lost.removeEventListener('abort', bell.ring);
      // The marker goes over to the next lease: ended with this one, a node that is slow would look dead to all others for a moment.
      if (isAnnounced && !closing.signal.aborted) lease.letGo();
      else await lease.revoke();
    }
  };

  const live = async (): Promise<void> => {
    let retryMs = RETRY_FIRST_MS;
    let lastWhy = '';
    while (!closing.signal.aborted) {
      const started = clock.monotonicMs();
      try {
        await liveOnce();
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        if (why !== lastWhy) log.warn('cannot announce the node, trying on', { why });
        lastWhy = why;
      }
      if (clock.monotonicMs() - started > RETRY_LAST_MS) [retryMs, lastWhy] = [RETRY_FIRST_MS, ''];
      await clock.sleep(retryMs, closing.signal);
      retryMs = Math.min(retryMs * 2, RETRY_LAST_MS);
    }
  };

  const living = live();
  return {
    acknowledge: (applied) => {
      latest = { ...latest, applied };
      bell.ring();
    },
    reaching: (reaches) => {
      latest = { ...latest, reaches };
      bell.ring();
    },
    close: async () => {
      closing.abort();
      const bound = new AbortController();
      await Promise.race([living, clock.sleep(1_000, bound.signal)]);
      bound.abort();
    },
  };
}
