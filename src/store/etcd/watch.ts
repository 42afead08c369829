/** Owns one watch on etcd: a raw stream with a compaction check before it. Must not resume: that is the informer's. */
import type { IWatchResponse } from 'etcd3';
import { classify } from './grpc-error.ts';
import type { KeyRange, StoreEvent, Watch, WatchEnd, WatchHandlers } from '../store.ts';
import type { EtcdParts } from './calls.ts';
import type { Codec } from './codec.ts';
import type { Endpoint } from './endpoints.ts';

/** Longest time from the request to the server's acceptance; the heartbeat sees dead connections, this sees a deaf proxy. */
const READY_MS = 5_000;
/** Deadline of the compaction check. */
const CHECK_MS = 1_500;

/** What a watch needs besides its range. */
export interface WatchPort {
  readonly parts: EtcdParts;
  readonly codec: Codec;
  /** The cluster of the last listing; undefined before the first. */
  readonly clusterId: () => string | undefined;
}

/** Where a watch begins. */
export interface WatchStart {
  readonly range: KeyRange;
  readonly afterRevision: number;
}

/** Starts a watch at the server in use. Never throws. */
export function watchEtcd(port: WatchPort, start: WatchStart, handlers: WatchHandlers): Watch {
  const endpoint = port.parts.endpoints.pick();
  const ended = new AbortController();
  const end = (reason: WatchEnd): void => {
    if (ended.signal.aborted) return;
    ended.abort();
    handlers.onEnd(reason);
  };
  const session: Session = { ...port, ...start, endpoint, handlers, end, ended: ended.signal };
  void run(session).catch((error: unknown) => {
    const { kind, text } = classify(error);
    if (kind === 'compacted' || kind === 'future') end({ kind: 'compacted', why: text });
    else {
      endpoint.line.fail(text);
      end({ kind: 'lost', why: text });
    }
  });
  return { close: () => end({ kind: 'closed' }) };
}

interface Session extends WatchPort, WatchStart {
  readonly endpoint: Endpoint;
  readonly handlers: WatchHandlers;
  readonly end: (reason: WatchEnd) => void;
  readonly ended: AbortSignal;
}

async function run(session: Session): Promise<void> {
  const { endpoint, codec, range, afterRevision, ended } = session;
  const client = await endpoint.line.client();
  if (!(await startIsHeld(session))) return;
  const { openWatchStream } = await import('./etcd3.ts');
  if (ended.aborted) return;
  const stream = await openWatchStream(client);
  const fail = (why: string): void => {
    endpoint.line.fail(why);
    session.end({ kind: 'lost', why });
  };
  const receive = receiver(session);
  stream.on('error', (error: unknown) => {
    if (!ended.aborted) fail(classify(error).text);
  });
  stream.on('end', () => {
    if (!ended.aborted) fail('the server ended the stream');
  });
  stream.on('data', receive);
  const { key, range_end } = codec.range(range);
  const leave = endpoint.line.join({ key, fail: (why) => session.end({ kind: 'lost', why }) });
  const stop = (): void => {
    leave();
    stream.cancel();
  };
  if (ended.aborted) return stop();
  ended.addEventListener('abort', stop, { once: true });
  // Without fragments a batch of large events passes the receive limit and would never arrive.
  stream.write({ create_request: { key, range_end, start_revision: afterRevision + 1, fragment: true } });
  return undefined;
}

/**
 * Reads at the revision to go on from. etcd 3.4.23 drops a deletion without a word if a watch starts exactly at the compacted
 * revision (etcd#18089); the read tells. It also tells a store that was set back, and makes a stale token fresh.
 */
async function startIsHeld(session: Session): Promise<boolean> {
  const { endpoint, codec, range, afterRevision, clusterId } = session;
  if (afterRevision === 0) return true;
  const client = await endpoint.line.client();
  const { key } = codec.range(range);
  const answer = await client.kv.range(
    { key, limit: 1, count_only: true, revision: afterRevision },
    { deadline: Date.now() + CHECK_MS },
  );
  const known = clusterId();
  if (known === undefined || known === answer.header.cluster_id) return !session.ended.aborted;
  session.end({ kind: 'compacted', why: 'the store is another cluster than before: it was restored' });
  return false;
}

/** Handles the answers of one stream. Events of one revision arrive together; of fragments the last revision is held back. */
function receiver(session: Session): (response: IWatchResponse) => void {
  const { parts, codec, handlers, end, ended, afterRevision } = session;
  let ready = false;
  let held: readonly StoreEvent[] = [];
  const expectReady = async (): Promise<void> => {
    await parts.clock.sleep(READY_MS, ended);
    if (ready || ended.aborted) return;
    session.endpoint.markBad();
    end({ kind: 'lost', why: 'the server did not accept the watch in time' });
  };
  void expectReady();
  return (response) => {
    if (ended.aborted) return;
    if (response.canceled) return end(cancelled(response));
    if (response.created) {
      ready = true;
      return handlers.onReady();
    }
    const fresh = response.events.map(codec.event).filter((event) => revisionOf(event) > afterRevision);
    const all = [...held, ...fresh];
    const last = all.at(-1);
    const open = response.fragment && last !== undefined ? revisionOf(last) : Infinity;
    held = all.filter((event) => revisionOf(event) === open);
    const whole = all.slice(0, all.length - held.length);
    if (whole.length > 0) handlers.onEvents(whole);
  };
}

function cancelled(response: IWatchResponse): WatchEnd {
  if (response.compact_revision !== '0') {
    return { kind: 'compacted', why: `compacted at revision ${response.compact_revision}` };
  }
  return { kind: 'lost', why: `the server ended the watch: ${response.cancel_reason || 'no reason given'}` };
}

const revisionOf = (event: StoreEvent): number =>
  event.kind === 'put' ? event.item.modRevision : event.revision;
