/** Owns the order in which transactions reach a kernel. Must not know how one is written. */
import { NOTHING_SENT, type SentCounts, sumCounts } from './family-rules.ts';

/** Checks a text now and sends it when what is returned is called. */
export type Prepare = (text: string) => () => Promise<void>;

/** One transaction. */
interface Document extends SentCounts {
  readonly text: string;
  /** False if no packet reaches what it writes. */
  readonly isReached: boolean;
}

/** How transactions are sent. */
export interface SendOptions {
  readonly prepare: Prepare;
  /** Nothing that packets reach is sent before it resolves. */
  readonly ready: Promise<unknown>;
  /** How many may be under way at the same time, where they do not depend on each other; default: one. */
  readonly lanes?: number;
}

/**
 * Sends transactions in their order; each is made and checked while the kernel works on those before.
 * @returns `NOTHING_SENT` itself if there are none
 * @throws what the first of them threw that failed, when no other is under way any more; those behind it are not sent
 */
export async function sendAll(
  documents: Iterable<Document>,
  { prepare, ready, lanes = 1 }: SendOptions,
): Promise<SentCounts> {
  const sent: SentCounts[] = [];
  const running = new Set<Promise<void>>();
  const failed: unknown[] = [];
  const start = (send: () => Promise<void>): void => {
    const one = send()
      .catch((error: unknown) => void failed.push(error))
      .finally(() => running.delete(one));
    running.add(one);
  };
  try {
    for (const document of documents) {
      const send = prepare(document.text);
      if (running.size >= lanes) await Promise.race(running);
      if (failed.length === 0 && document.isReached) await ready;
      if (failed.length > 0) break;
      start(send);
      sent.push(document);
    }
  } finally {
    await Promise.all(running);
  }
  if (failed.length > 0) throw failed[0];
  return sent.length === 0 ? NOTHING_SENT : sumCounts(sent);
}
