/** Owns an answer of lines that lasts: a listing, or a watch. A reader that does not read is cut off. Must not know what the lines say. */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../../host/clock.ts';
import type { HttpLimits } from './limits.ts';

/** Lines on their way to one reader. */
export interface LineStream {
  /** Sends text that ends in a newline; cuts the reader off if too much waits for it. */
  readonly send: (text: string) => void;
  /** Resolves when the reader has taken what was sent, or is gone; cuts it off if it reads nothing for long. */
  readonly drained: () => Promise<void>;
  readonly end: () => void;
  /** Aborted when the reader is gone or was cut off. */
  readonly gone: AbortSignal;
}

/** Lines of JSON. */
const JSON_LINES = 'application/x-ndjson';

/** Begins the answer. */
export function openLineStream(
  response: ServerResponse,
  {
    clock,
    limits,
    type = JSON_LINES,
  }: { readonly clock: Clock; readonly limits: HttpLimits; readonly type?: string | undefined },
): LineStream {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.writeHead(200, {
    'Content-Type': type,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.flushHeaders();
  return {
    gone: gone.signal,
    send: (text) => {
      if (gone.signal.aborted || response.writableEnded) return;
      response.write(text);
      if (response.writableLength > limits.unreadBytes) response.destroy();
    },
    drained: async () => {
      if (gone.signal.aborted || !response.writableNeedDrain) return;
      const taken = new AbortController();
      const tell = (): void => taken.abort();
      response.once('drain', tell);
      gone.signal.addEventListener('abort', tell, { once: true });
      await clock.sleep(limits.stalledMs, taken.signal);
      gone.signal.removeEventListener('abort', tell);
      if (!taken.signal.aborted) response.destroy();
    },
    end: () => {
      if (!response.writableEnded) response.end();
    },
  };
}
