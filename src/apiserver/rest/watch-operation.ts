/**
 * Owns `GET /v1/watch`: services, instances, nodes and the leader as server-sent events, first as they are, then as they change. A reader
 * that comes back with Last-Event-ID gets what it missed, or everything anew where that is not known any more.
 */
import { SluiceError } from '../../errors.ts';
import type { Log } from '../../host/log.ts';
import type { ReadDeps } from '../../ops/deps.ts';
import { BOOKMARK_MS } from '../../store/api/wire.ts';
import { ACCESS } from '../../store/keys.ts';
import type { KeyRange } from '../../store/store.ts';
import { checkRead } from '../access/may-read.ts';
import type { WatchCache } from '../cache/watch-cache.ts';
import type { LineStream } from '../http/line-stream.ts';
import { numberOf } from '../http/query.ts';
import type { Exchange } from '../http/route.ts';
import { EVENT_STREAM, eventText, RETRY_LINES, type SentEvent } from './event-stream.ts';
import { createFirstListing, type ListFirst } from './first-listing.ts';
import { sendPaced } from './list-answer.ts';
import { type Operation, operation } from './operation.ts';
import { createTold, type Told } from './told.ts';
import { createTouching, type Touching } from './touched.ts';
import { touchedEvents } from './watch-items.ts';

/** All keys but tokens: one watch, so that there is one order. */
const RANGE: KeyRange = { start: ACCESS.end, end: '~' };
/** Changes within this time are told together. */
const TOGETHER_MS = 100;

/** One reader. */
interface Reader {
  readonly lines: LineStream;
  readonly deps: ReadDeps;
  readonly exchange: Exchange;
  readonly cache: WatchCache;
  readonly told: Told;
  readonly listFirst: ListFirst;
}

/** How following ended: the reader is gone, this server cannot go on, or what it knows does not reach back. */
type End = { readonly kind: 'gone' | 'relist' } | { readonly kind: 'lost'; readonly why: string };

/** Sends events as text, then up to where they tell. */
async function send({ lines, deps }: Reader, texts: Iterable<string>, revision: number): Promise<void> {
  await sendPaced(lines, texts, deps.reading?.pace);
  // Only now the reader has all of it: from here it can go on.
  lines.send(eventText({ event: 'bookmark', id: revision, data: { revision } }));
}

/** Tells everything; the reader forgets what it had. Returns the revision to go on from. */
async function sendAll(reader: Reader): Promise<number> {
  const { revision, pieces } = await reader.listFirst(reader.deps);
  // What is told here is not remembered: most of it never changes, and what does is told once more with its neighbours.
  reader.told.forget();
  reader.lines.send(eventText({ event: 'begin', data: { revision } }));
  await send(reader, pieces, revision);
  return revision;
}

/** What of the events is new, as text. */
function* newsOf(told: Told, events: readonly SentEvent[]): Generator<string, undefined> {
  for (const event of events) if (told.isNews(event)) yield eventText(event);
  return undefined;
}

/** Tells what is touched until it ends; every 2 s that it lives. */
async function tell(
  reader: Reader,
  touching: Touching,
  ended: () => End | undefined,
  wake: Wake,
): Promise<End> {
  const { lines, deps, exchange, cache } = reader;
  for (;;) {
    await deps.clock.sleep(BOOKMARK_MS, wake.signal());
    if (lines.gone.aborted) return { kind: 'gone' };
    if (!exchange.isStillKnown()) return { kind: 'lost', why: 'the token was revoked or has expired' };
    const end = ended();
    if (end !== undefined) return end;
    if (wake.isAwake()) await deps.clock.sleep(TOGETHER_MS, lines.gone);
    wake.reset();
    const { revision } = cache.state();
    const touched = touching.take();
    const events = touched === undefined ? [] : await touchedEvents(deps, touched);
    await send(reader, newsOf(reader.told, events), touched === undefined ? revision : touched.revision);
  }
}

/** A sleeper that can be woken. */
interface Wake {
  readonly signal: () => AbortSignal;
  readonly isAwake: () => boolean;
  readonly wake: () => void;
  readonly reset: () => void;
}

function createWake(gone: AbortSignal): Wake {
  let current = new AbortController();
  gone.addEventListener('abort', () => current.abort(), { once: true });
  return {
    signal: () => current.signal,
    isAwake: () => current.signal.aborted,
    wake: () => current.abort(),
    reset: () => {
      if (!gone.aborted) current = new AbortController();
    },
  };
}

/** Follows from a revision. */
async function follow(reader: Reader, after: number): Promise<End> {
  const touching = createTouching();
  const wake = createWake(reader.lines.gone);
  let end: End | undefined;
  const watcher = {
    ready: () => undefined,
    deliver: ({ events }: { readonly events: Parameters<Touching['add']>[0] }) => {
      touching.add(events);
      wake.wake();
    },
    end: (kind: 'compacted' | 'lost', why: string) => {
      end = kind === 'compacted' ? { kind: 'relist' } : { kind, why };
      wake.wake();
    },
  };
  let leave: () => void;
  try {
    leave = await reader.cache.watch(RANGE, after, watcher);
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'unavailable') throw error;
    return error.details['compacted'] === true ? { kind: 'relist' } : { kind: 'lost', why: error.message };
  }
  try {
    return await tell(reader, touching, () => end, wake);
  } finally {
    leave();
  }
}

/** Serves one reader until it or this server goes. Never throws. */
async function serve(reader: Reader, from: number | undefined, log: Log): Promise<void> {
  const { lines, deps } = reader;
  try {
    let after = from ?? (await sendAll(reader));
    for (;;) {
      const end = await follow(reader, after);
      if (end.kind === 'gone') return;
      if (end.kind === 'lost') {
        lines.send(eventText({ event: 'end', data: { why: end.why } }));
        break;
      }
      await deps.clock.sleep(TOGETHER_MS, lines.gone);
      after = await sendAll(reader);
    }
  } catch (error) {
    const known = error instanceof SluiceError ? error : undefined;
    if (known === undefined) log.error('a watch ended by a bug', { stack: String(error) });
    const why = known?.why ?? known?.message ?? 'this is a bug; the log of the API server has more';
    lines.send(eventText({ event: 'end', data: { why } }));
  } finally {
    lines.end();
  }
}

/** Where the reader left off; undefined: it is new. @throws SluiceError `invalid-spec` */
function resumeFrom(exchange: Exchange): number | undefined {
  const id = exchange.headers['last-event-id'];
  return id === undefined || id === '' ? undefined : numberOf('Last-Event-ID', String(id));
}

/** The operation. */
export function watchOperation(cache: WatchCache, log: Log): Operation {
  const listFirst = createFirstListing();
  return operation({
    id: 'watch',
    method: 'GET',
    path: '/v1/watch',
    summary:
      'Services, instances, nodes and the leader as they are and as they change, as server-sent events',
    params: {},
    query: {},
    answers: [],
    handle: async ({ exchange, read }) => {
      const from = resumeFrom(exchange);
      checkRead(exchange.caller, RANGE);
      const lines = exchange.lines(EVENT_STREAM);
      lines.send(RETRY_LINES);
      const reader: Reader = { lines, deps: read, exchange, cache, told: createTold(), listFirst };
      void serve(reader, from, log);
      return Promise.resolve({ kind: 'lines' });
    },
  });
}
