/** Owns the life of an API server: copy, routes, socket; what starts first and what ends last. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Clock, randomId } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { createPace } from '../host/pace.ts';
import type { Role } from '../model/access.ts';
import type { ServableStore } from '../store/lease-calls.ts';
import { authenticate } from './access/authenticate.ts';
import { checkWrite, type CheckWrite } from './access/check-write.ts';
import { createReads } from './cache/reads.ts';
import { startWatchCache, type WatchCache } from './cache/watch-cache.ts';
import { DASHBOARD_ROUTE } from './dashboard/route.ts';
import { type AnsweringParts, answerRequest } from './http/answer-request.ts';
import { createConnections } from './http/connections.ts';
import { HTTP_LIMITS, type HttpLimits } from './http/limits.ts';
import { listen, type ServerTls } from './http/listen.ts';
import { createRate } from './http/rate.ts';
import { routeTable } from './http/route-table.ts';
import { createMetrics } from './metrics.ts';
import { restRoutes } from './rest/operations.ts';
import { type FollowOptions, startFollowing } from './registry/following.ts';
import { beginRegistry, type Registry } from './registry/registry.ts';
import { eurekaRoutes } from './eureka/routes.ts';
import { healthRoutes } from './routes/health.ts';
import { storeReadRoutes } from './routes/store-read.ts';
import { eventsLine, storeWatchRoute } from './routes/store-watch.ts';
import { storeWriteRoutes } from './routes/store-write.ts';

/** What an API server is started with. */
export interface ApiServerOptions {
  /** Closed by whoever opened it. */
  readonly store: ServableStore;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls: ServerTls | undefined;
  /** Role of callers without credentials; undefined: they are refused. */
  readonly anonymous: Role | undefined;
  readonly log: Log;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** A fresh request id each call, unique among all writers (host/clock.ts `randomId`). */
  readonly newId: () => string;
  readonly limits?: HttpLimits | undefined;
  /** Another Eureka registry whose instances are registered here as well. */
  readonly follow?: FollowOptions | undefined;
  /** Default: the rules of docs/apiserver.md. */
  readonly checkWrite?: CheckWrite | undefined;
}

/** A running API server. */
export interface ApiServer {
  readonly port: number;
  /** Resolves when it has listed the store. @throws SluiceError as `Informer.synced` */
  readonly synced: (timeoutMs: number) => Promise<void>;
  /** Other certificates for connections that come; those that are there stay. @throws SluiceError `config` */
  readonly renewTls: (tls: ServerTls) => void;
  /** Ends watches so that their agents go elsewhere, lets answers end; bounded by 4 s. */
  readonly close: () => Promise<void>;
}

/** Of the 5 s that a process has after a signal. */
const GRACE_MS = 3_000;

/** Starts listening and following the store. @throws SluiceError `config` */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { store, clock, random, newId, log } = options;
  const limits = options.limits ?? HTTP_LIMITS;
  const begun = beginRegistry({ store, clock, log, random, newId, server: randomId() });
  const cache = startWatchCache({ store, clock, random, format: eventsLine, onChange: begun.take });
  const registry = begun.start(cache);
  const following = options.follow && startFollowing({ registry, clock, log }, options.follow);
  const connections = createConnections(limits);
  let stopping = false;
  const parts = partsOf(options, { cache, registry, limits, connections, isStopping: () => stopping });
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    // New requests on old connections: the client is told to come back elsewhere.
    if (stopping) response.setHeader('Connection', 'close');
    void answerRequest(parts, request, response);
  };
  const { host, port, tls } = options;
  try {
    const server = await listen({ host, port, tls, limits, connections, onRequest });
    log.info('API server listens', {
      host,
      port: server.port,
      tls: tls !== undefined,
      store: store.description,
    });
    return {
      port: server.port,
      synced: cache.synced,
      renewTls: server.renew,
      close: async () => {
        stopping = true;
        await following?.close();
        await registry.close();
        await cache.close();
        await server.close(clock, GRACE_MS);
      },
    };
  } catch (error) {
    await following?.close();
    await registry.close();
    await cache.close();
    throw error;
  }
}

interface Inside {
  readonly cache: WatchCache;
  readonly registry: Registry;
  readonly limits: HttpLimits;
  readonly connections: ReturnType<typeof createConnections>;
  readonly isStopping: () => boolean;
}

function partsOf(
  options: ApiServerOptions,
  { cache, registry, limits, connections, isStopping }: Inside,
): AnsweringParts {
  const { store, clock, random, newId, log, anonymous } = options;
  const metrics = createMetrics(() => {
    const { revision, connected } = cache.state();
    const keys = cache.count({ start: '', end: '~' });
    return { connections: connections.count(), watchers: cache.watchers(), revision, keys, connected };
  });
  const pace = createPace(clock);
  const access = {
    store,
    cache,
    reads: createReads(cache, store),
    checkWrite: options.checkWrite ?? checkWrite,
  };
  const routes = routeTable([
    ...healthRoutes({ state: cache.state, isStopping, metrics }),
    ...storeReadRoutes(access.reads, pace),
    storeWatchRoute({ cache, clock }),
    ...storeWriteRoutes(access),
    DASHBOARD_ROUTE,
    ...restRoutes({ ...access, clock, pace, log, random, newId }),
    ...eurekaRoutes({ registry, clock, pace }),
  ]);
  return {
    routes,
    authenticate: (request) => authenticate(request, { item: cache.item, now: clock.now, anonymous }),
    know: ({ socket }) => connections.know(socket),
    requests: createRate(limits.requests),
    lightRequests: createRate(limits.lightRequests),
    refusals: createRate(limits.refusals),
    limits,
    clock,
    log,
    metrics,
  };
}
