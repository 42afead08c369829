/** Owns the Store on API servers: joins its parts. The servers' prefix is that of all keys. */
import { setMaxListeners } from 'node:events';
import { type Clock, systemClock } from '../../host/clock.ts';
import { grantKept, type ServableStore } from '../lease-calls.ts';
import { API_URLS, parseUrls } from '../parse-urls.ts';
import { createHealth, createPicker } from '../rotation.ts';
import type { Watch } from '../store.ts';
import type { ApiParts, ApiServer } from './calls.ts';
import { type ApiTls, createConnection } from './connection.ts';
import { apiLeaseCalls } from './lease.ts';
import { createReads } from './read.ts';
import { statusOf } from './status.ts';
import { watchApi } from './watch.ts';
import { transact } from './write.ts';

/** How to reach API servers. */
export interface ApiStoreOptions {
  /** `http(s)://host:port` or `host:port`; several for several replicas. */
  readonly servers: readonly string[];
  readonly tls?: ApiTls | undefined;
  /** `sluice_<id>_<secret>`. */
  readonly token?: string | undefined;
  /** Default: the machine's clock. */
  readonly clock?: Clock | undefined;
  /** Numbers in [0, 1), for jitter and the first server. Default: Math.random. */
  readonly random?: (() => number) | undefined;
}

/**
 * A store on API servers. Connects with the first call.
 * @throws SluiceError `config` for servers that are not such
 */
export function createApiStore(options: ApiStoreOptions): ServableStore {
  const closing = new AbortController();
  // Every call in flight listens to it; more than ten are no leak.
  setMaxListeners(0, closing.signal);
  const parts = createParts(options, closing.signal);
  const { clock, closed } = parts;
  const watches = new Set<Watch>();
  const leaseCalls = apiLeaseCalls(parts);
  return {
    description: parts.description,
    ...createReads(parts),
    transact: (transaction, call) => transact(transaction, parts, call),
    watch: (range, afterRevision, handlers) => {
      const onEnd: typeof handlers.onEnd = (end) => {
        watches.delete(watch);
        handlers.onEnd(end);
      };
      const watch = watchApi(parts, { range, afterRevision }, { ...handlers, onEnd });
      watches.add(watch);
      return watch;
    },
    leaseCalls,
    grantLease: (ttlSeconds, call) => grantKept(leaseCalls, ttlSeconds, { clock, closed, call }),
    status: (call) => statusOf(parts, call),
    close: async () => {
      for (const watch of watches) watch.close();
      closing.abort();
      for (const { connection } of parts.servers) connection.close();
      await Promise.resolve();
    },
  };
}

function createParts(options: ApiStoreOptions, closed: AbortSignal): ApiParts {
  const { tls, token, clock = systemClock, random = Math.random } = options;
  const names = parseUrls(options.servers, API_URLS, tls !== undefined);
  const servers = names.map((name): ApiServer => ({
    name,
    connection: createConnection({ url: name, tls, token }),
    ...createHealth(clock),
  }));
  const pick = createPicker(servers, random);
  return { description: `API server ${names.join(',')}`, servers, pick, clock, random, closed };
}
