/** Owns the reading routes of the store protocol: list, get, count, status. */
import { keyRequest, PAGE_ITEMS, rangeRequest, readRequest, STORE_PATH } from '../../store/api/wire.ts';
import type { Pace } from '../../model/pace.ts';
import type { KeyRange, Listing } from '../../store/store.ts';
import { VERSION } from '../../version.ts';
import { checkRead, onlyKey } from '../access/may-read.ts';
import type { ReadOptions, Reads } from '../cache/reads.ts';
import type { LineStream } from '../http/line-stream.ts';
import { numberOf } from '../http/query.ts';
import type { Exchange, Route } from '../http/route.ts';

/** The range of a query. @throws SluiceError `invalid-spec`, `permission` */
export function rangeOf({ caller, query }: Exchange): KeyRange {
  const range = readRequest(rangeRequest, { start: query.get('start'), end: query.get('end') });
  checkRead(caller, range);
  return range;
}

const optionsOf = ({ query, timeoutMs }: Exchange): ReadOptions => ({
  consistent: query.has('consistent'),
  timeoutMs,
});

async function sendListing({ revision, items }: Listing, lines: LineStream, pace: Pace): Promise<void> {
  lines.send(`${JSON.stringify({ revision })}\n`);
  for (let at = 0; at < items.length && !lines.gone.aborted; at += PAGE_ITEMS) {
    lines.send(`${JSON.stringify({ items: items.slice(at, at + PAGE_ITEMS) })}\n`);
    await lines.drained();
    await pace();
  }
  lines.send(`${JSON.stringify({ end: true })}\n`);
  lines.end();
}

/** The routes. */
export function storeReadRoutes(reads: Reads, pace: Pace): readonly Route[] {
  const base = { method: 'GET', isOpen: false } as const;
  return [
    {
      ...base,
      path: `${STORE_PATH}/list`,
      query: ['start', 'end', 'consistent', 'revision'],
      handle: async (exchange) => {
        const asked = exchange.query.get('revision');
        const revision = asked === undefined ? undefined : numberOf('revision', asked);
        const listing = await reads.list(rangeOf(exchange), { ...optionsOf(exchange), revision });
        await sendListing(listing, exchange.lines(), pace);
        return { kind: 'lines' };
      },
    },
    {
      ...base,
      path: `${STORE_PATH}/get`,
      query: ['key', 'consistent'],
      handle: async (exchange) => {
        const { key } = readRequest(keyRequest, { key: exchange.query.get('key') });
        checkRead(exchange.caller, onlyKey(key));
        return { kind: 'json', value: await reads.get(key, optionsOf(exchange)) };
      },
    },
    {
      ...base,
      path: `${STORE_PATH}/count`,
      query: ['start', 'end', 'consistent'],
      handle: async (exchange) => ({
        kind: 'json',
        value: await reads.count(rangeOf(exchange), optionsOf(exchange)),
      }),
    },
    {
      ...base,
      path: `${STORE_PATH}/status`,
      query: [],
      handle: async ({ timeoutMs }) => ({
        kind: 'json',
        value: { revision: await reads.head(timeoutMs), version: VERSION },
      }),
    },
  ];
}
