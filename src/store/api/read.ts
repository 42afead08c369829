/** Owns reading through API servers. All reads are consistent: what was written before is seen, whichever server answers. */
import { type CallOptions, type KeyRange, type KeyValue, type Listing, type Store } from '../store.ts';
import { startBudget } from '../budget.ts';
import { type Answer, type ApiParts, ask, callAt, openAt } from './calls.ts';
import { readLines } from './lines.ts';
import { countAnswer, getAnswer, listLine, rangeQuery, readAnswer, STORE_PATH } from './wire.ts';
import type { IncomingMessage } from 'node:http';

/** The reading part of the store. */
export function createReads(parts: ApiParts): Pick<Store, 'list' | 'get' | 'count'> {
  return {
    list: (range, options) => list(parts, range, options),
    get: async (key, options) => {
      const budget = startBudget(parts, options);
      const path = `${STORE_PATH}/get?key=${encodeURIComponent(key)}&consistent`;
      const { revision, item } = await ask(parts, budget, (server) =>
        callAt(server, { path, timeoutMs: budget.attemptMs() }, getAnswer),
      );
      return { revision, item };
    },
    count: async (range, options) => {
      const budget = startBudget(parts, options);
      const path = `${STORE_PATH}/count?${rangeQuery(range)}&consistent`;
      return ask(parts, budget, (server) =>
        callAt(server, { path, timeoutMs: budget.attemptMs() }, countAnswer),
      );
    },
  };
}

async function list(
  parts: ApiParts,
  range: KeyRange,
  options: (CallOptions & { readonly revision?: number | undefined }) | undefined,
): Promise<Listing> {
  const budget = startBudget(parts, options);
  const at = options?.revision === undefined ? 'consistent' : `revision=${options.revision}`;
  const path = `${STORE_PATH}/list?${rangeQuery(range)}&${at}`;
  return ask(parts, budget, async (server): Promise<Answer<Listing>> => {
    const silenceMs = budget.attemptMs();
    const opened = await openAt(server, { path, timeoutMs: silenceMs, lasts: true });
    return 'answer' in opened ? readListing(opened.answer, silenceMs, budget.remainingMs()) : opened;
  });
}

/** Reads the lines of a listing, which may take long as long as they come; one without its last line is no answer. */
function readListing(
  response: IncomingMessage,
  silenceMs: number,
  remainingMs: number,
): Promise<Answer<Listing>> {
  return new Promise((resolve) => {
    const give = (): unknown => response.destroy(new Error('the listing came too slowly'));
    const [silent, over] = [setTimeout(give, silenceMs), setTimeout(give, Math.max(1, remainingMs))];
    const items: KeyValue[] = [];
    let revision: number | undefined;
    let isWhole = false;
    readLines(response, {
      onLine: (text) => {
        silent.refresh();
        const line = readAnswer(listLine, text);
        if (line === undefined) response.destroy();
        else if ('revision' in line) revision = line.revision;
        else if ('items' in line) for (const item of line.items) items.push(item);
        else isWhole = true;
      },
      onEnd: (why) => {
        clearTimeout(silent);
        clearTimeout(over);
        if (isWhole && revision !== undefined) resolve({ answer: { revision, items } });
        else resolve({ kind: 'retry', text: why ?? 'the listing ended early' });
      },
    });
  });
}
