/** Owns one watch through an API server: an answer of lines that says every 2 s that it lives. Must not resume: that is the informer's. */
import type { IncomingMessage } from 'node:http';
import type { KeyRange, Watch, WatchEnd, WatchHandlers } from '../store.ts';
import { type ApiParts, type ApiServer, type Failure, openAt } from './calls.ts';
import { readLines } from './lines.ts';
import { BOOKMARK_MS, rangeQuery, readAnswer, STORE_PATH, watchLine } from './wire.ts';

/** Longest time from the request to the begin of its answer. */
const READY_MS = 5_000;
/** A server that says nothing for so long is taken as lost. */
const SILENCE_MS = 2.5 * BOOKMARK_MS;

/** Where a watch begins. */
export interface WatchStart {
  readonly range: KeyRange;
  readonly afterRevision: number;
}

interface Session extends WatchStart {
  readonly parts: ApiParts;
  readonly server: ApiServer;
  readonly handlers: WatchHandlers;
  readonly end: (reason: WatchEnd) => void;
  readonly ended: AbortSignal;
}

/** Starts a watch at the server in use. Never throws. */
export function watchApi(parts: ApiParts, start: WatchStart, handlers: WatchHandlers): Watch {
  const server = parts.pick();
  const ended = new AbortController();
  const end = (reason: WatchEnd): void => {
    if (ended.signal.aborted) return;
    ended.abort();
    if (reason.kind === 'lost') server.markBad();
    handlers.onEnd(reason);
  };
  void run({ ...start, parts, server, handlers, end, ended: ended.signal });
  return { close: () => end({ kind: 'closed' }) };
}

async function run(session: Session): Promise<void> {
  const { server, range, afterRevision, end, ended } = session;
  const path = `${STORE_PATH}/watch?${rangeQuery(range)}&after=${afterRevision}`;
  const opened = await openAt(server, { path, timeoutMs: READY_MS, lasts: true });
  if ('answer' in opened) follow(session, opened.answer);
  else if (!ended.aborted) end(endOf(opened));
}

function endOf(failure: Failure | { readonly kind: 'retry'; readonly text: string }): WatchEnd {
  return { kind: 'lost', why: failure.text };
}

function follow(session: Session, response: IncomingMessage): void {
  const { parts, handlers, end, ended } = session;
  if (ended.aborted) {
    response.destroy();
    return;
  }
  ended.addEventListener('abort', () => response.destroy(), { once: true });
  let heardAtMs = parts.clock.monotonicMs();
  const listen = async (): Promise<void> => {
    for (;;) {
      const leftMs = heardAtMs + SILENCE_MS - parts.clock.monotonicMs();
      if (leftMs <= 0) return end({ kind: 'lost', why: 'the API server has fallen silent' });
      await parts.clock.sleep(leftMs, ended);
      if (ended.aborted) return undefined;
    }
  };
  void listen();
  readLines(response, {
    onLine: (text) => {
      heardAtMs = parts.clock.monotonicMs();
      if (ended.aborted) return;
      const line = readAnswer(watchLine, text);
      if (line === undefined) end({ kind: 'lost', why: 'the answer is not of this protocol' });
      else if (line.type === 'ready') handlers.onReady();
      else if (line.type === 'events') handlers.onEvents(line.events);
      else if (line.type === 'end') end({ kind: line.kind, why: line.why });
    },
    onEnd: (why) => end({ kind: 'lost', why: why ?? 'the API server ended the answer' }),
  });
}
