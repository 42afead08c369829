/** Owns the Store on etcd: joins its parts. Keys are relative to the prefix. */
import { setMaxListeners } from 'node:events';
import { type Clock, systemClock } from '../../host/clock.ts';
import { GENERATION_KEY } from '../keys.ts';
import { ETCD_URLS, parseUrls } from '../parse-urls.ts';
import { grantKept, type ServableStore } from '../lease-calls.ts';
import type { Watch } from '../store.ts';
import type { EtcdParts } from './calls.ts';
import { createCodec } from './codec.ts';
import { createEndpoints } from './endpoints.ts';
import type { EtcdAuth, EtcdTls } from './etcd3.ts';
import { etcdLeaseCalls } from './lease.ts';
import { createReads } from './read.ts';
import { statusOf } from './status.ts';
import { watchEtcd } from './watch.ts';
import { transact } from './write.ts';

/** How to reach etcd. */
export interface EtcdStoreOptions {
  /** `http(s)://host:port` or `host:port`; several for several members. */
  readonly endpoints: readonly string[];
  /** Ends in a slash, e.g. `/sluice/v1/`. */
  readonly prefix: string;
  readonly tls?: EtcdTls | undefined;
  readonly auth?: EtcdAuth | undefined;
  /** Default: the machine's clock. */
  readonly clock?: Clock | undefined;
  /** Numbers in [0, 1), for jitter and the first server. Default: Math.random. */
  readonly random?: (() => number) | undefined;
}

/**
 * A store on etcd. Connects with the first call.
 * @throws SluiceError `config` for endpoints that are not such
 */
export function createEtcdStore(options: EtcdStoreOptions): ServableStore {
  const closing = new AbortController();
  // Every call in flight listens to it; more than ten are no leak.
  setMaxListeners(0, closing.signal);
  const parts = createParts(options, closing.signal);
  const codec = createCodec(options.prefix);
  const leaseCalls = etcdLeaseCalls(parts);
  const watches = new Set<Watch>();
  let clusterId: string | undefined;
  const seen = (id: string): void => {
    clusterId = id;
  };
  return {
    description: parts.description,
    ...createReads({ parts, codec, seen }),
    transact: (transaction, callOptions) => transact(transaction, { parts, codec }, callOptions),
    watch: (range, afterRevision, handlers) => {
      const port = { parts, codec, clusterId: () => clusterId };
      const onEnd: typeof handlers.onEnd = (end) => {
        watches.delete(watch);
        handlers.onEnd(end);
      };
      const watch = watchEtcd(port, { range, afterRevision }, { ...handlers, onEnd });
      watches.add(watch);
      return watch;
    },
    leaseCalls,
    grantLease: (ttlSeconds, call) =>
      grantKept(leaseCalls, ttlSeconds, { clock: parts.clock, closed: parts.closed, call }),
    status: (callOptions) => statusOf(parts, codec.key(GENERATION_KEY), callOptions),
    close: async () => {
      for (const watch of watches) watch.close();
      closing.abort();
      parts.endpoints.close();
      await Promise.resolve();
    },
  };
}

function createParts(options: EtcdStoreOptions, closed: AbortSignal): EtcdParts {
  const { tls, auth, clock = systemClock, random = Math.random } = options;
  const names = parseUrls(options.endpoints, ETCD_URLS, tls !== undefined);
  const targets = names.map((endpoint) => ({ endpoint, tls, auth }));
  const endpoints = createEndpoints({ targets, clock, random });
  return { description: `etcd ${names.join(',')}`, endpoints, clock, random, closed };
}
