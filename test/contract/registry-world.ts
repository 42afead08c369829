/** Owns API servers on one real etcd for tests of the registry, and asking them as a Eureka client does. */
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { HTTP_LIMITS } from '../../src/apiserver/http/limits.ts';
import { type ApiServer, startApiServer } from '../../src/apiserver/start.ts';
import { randomId, systemClock } from '../../src/host/clock.ts';
import type { Store } from '../../src/store/store.ts';
import { createEtcdStore } from '../../src/store/etcd/etcd.ts';
import { startEtcd } from '../harness/etcd.ts';
import { silentLog } from '../harness/log.ts';

/** An answer. */
export interface EurekaAnswer {
  readonly status: number;
  readonly text: string;
  readonly headers: IncomingHttpHeaders;
}

/** One request; `body` is sent as JSON unless it is text. */
export interface EurekaAsk {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One API server. */
export interface RegistryServer {
  readonly server: ApiServer;
  readonly url: string;
  /** @param path below the server, e.g. `/eureka/apps` */
  readonly ask: (method: string, path: string, ask?: EurekaAsk) => Promise<EurekaAnswer>;
}

/** The world. */
export interface RegistryWorld {
  readonly servers: readonly RegistryServer[];
  readonly store: Store;
  readonly startServer: () => Promise<RegistryServer>;
  readonly close: () => Promise<void>;
}

function askAt(port: number, agent: Agent): RegistryServer['ask'] {
  return (method, path, { body, headers = {} } = {}) => {
    const text = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          host: '127.0.0.1',
          port,
          agent,
          method,
          path,
          headers: {
            accept: 'application/json',
            ...(text === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.once('error', reject);
          response.once('end', () => {
            const bytes = Buffer.concat(chunks);
            const plain = response.headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes;
            resolve({ status: response.statusCode ?? 0, text: plain.toString(), headers: response.headers });
          });
        },
      );
      sent.once('error', reject);
      sent.end(text);
    });
  };
}

/** Starts etcd and so many servers. */
export async function startRegistryWorld(count: number): Promise<RegistryWorld> {
  const cluster = await startEtcd();
  const endpoints = cluster.members.map(({ endpoint }) => endpoint);
  const open = (): ReturnType<typeof createEtcdStore> =>
    createEtcdStore({ endpoints, prefix: '/sluice/v1/' });
  const store = open();
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const closers: (() => Promise<void>)[] = [];
  const startServer = async (): Promise<RegistryServer> => {
    const behind = open();
    const server = await startApiServer({
      store: behind,
      host: '127.0.0.1',
      port: 0,
      tls: undefined,
      anonymous: 'registry',
      log: silentLog,
      clock: systemClock,
      random: Math.random,
      newId: randomId,
      limits: { ...HTTP_LIMITS, requests: { burst: 100_000, perSecond: 100_000 } },
    });
    closers.push(async () => {
      await server.close();
      await behind.close();
    });
    await server.synced(20_000);
    const url = `http://127.0.0.1:${server.port}`;
    return { server, url, ask: askAt(server.port, agent) };
  };
  const servers: RegistryServer[] = [];
  for (let index = 0; index < count; index += 1) servers.push(await startServer());
  return {
    servers,
    store,
    startServer,
    close: async () => {
      agent.destroy();
      await Promise.all(closers.map((close) => close()));
      await store.close();
      await cluster.close();
    },
  };
}

/** What a client registers; fields can be replaced. */
export function instanceBody(
  app: string,
  id: string,
  fields: Readonly<Record<string, unknown>> = {},
): { readonly instance: Readonly<Record<string, unknown>> } {
  return {
    instance: {
      instanceId: id,
      hostName: 'n1.example',
      app,
      ipAddr: '10.0.1.11',
      port: { $: 8080, '@enabled': 'true' },
      vipAddress: app.toLowerCase(),
      dataCenterInfo: {
        '@class': 'com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo',
        name: 'MyOwn',
      },
      leaseInfo: { renewalIntervalInSecs: 1, durationInSecs: 90 },
      status: 'UP',
      ...fields,
    },
  };
}
