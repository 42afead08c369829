/** Owns the route of watches: lines as long as the watch lasts. */
import { SluiceError } from '../../errors.ts';
import type { Clock } from '../../host/clock.ts';
import { BOOKMARK_MS, STORE_PATH } from '../../store/api/wire.ts';
import type { StoreEvent } from '../../store/store.ts';
import type { WatchCache } from '../cache/watch-cache.ts';
import type { LineStream } from '../http/line-stream.ts';
import { numberOf } from '../http/query.ts';
import type { Exchange, Route } from '../http/route.ts';
import { rangeOf } from './store-read.ts';

/** Events as a line of a watch. */
export function eventsLine(events: readonly StoreEvent[]): string {
  return `${JSON.stringify({ type: 'events', events })}\n`;
}

function sendEnd(lines: LineStream, kind: 'compacted' | 'lost', why: string): void {
  lines.send(`${JSON.stringify({ type: 'end', kind, why })}\n`);
  lines.end();
}

/** Says every 2 s that the watch lives, until its reader is gone; ends it when the caller is not known any more. */
async function keepTelling(
  { lines, exchange }: { readonly lines: LineStream; readonly exchange: Exchange },
  { cache, clock }: WatchParts,
): Promise<void> {
  for (;;) {
    await clock.sleep(BOOKMARK_MS, lines.gone);
    if (lines.gone.aborted) return;
    if (!exchange.isStillKnown()) {
      sendEnd(lines, 'lost', 'the token was revoked or has expired');
      return;
    }
    lines.send(`${JSON.stringify({ type: 'bookmark', revision: cache.state().revision })}\n`);
  }
}

interface WatchParts {
  readonly cache: WatchCache;
  readonly clock: Clock;
}

/** The route. */
export function storeWatchRoute(parts: WatchParts): Route {
  return {
    path: `${STORE_PATH}/watch`,
    method: 'GET',
    query: ['start', 'end', 'after'],
    isOpen: false,
    handle: async (exchange) => {
      const range = rangeOf(exchange);
      const after = numberOf('after', exchange.query.get('after'));
      const lines = exchange.lines();
      const watcher = {
        ready: () => lines.send(`${JSON.stringify({ type: 'ready' })}\n`),
        deliver: ({ text }: { readonly text: () => string }) => lines.send(text()),
        end: (kind: 'compacted' | 'lost', why: string) => sendEnd(lines, kind, why),
      };
      try {
        const leave = await parts.cache.watch(range, after, watcher);
        if (lines.gone.aborted) leave();
        else lines.gone.addEventListener('abort', leave, { once: true });
        void keepTelling({ lines, exchange }, parts);
      } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        const kind = error.details['compacted'] === true ? 'compacted' : 'lost';
        sendEnd(lines, kind, error.why ?? error.message);
      }
      return { kind: 'lines' };
    },
  };
}
