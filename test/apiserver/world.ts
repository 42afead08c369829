/** Owns an API server on a store in memory for tests, with a token of every role, and asking it. */
import { Agent, type IncomingMessage, request } from 'node:http';
import { HTTP_LIMITS, type HttpLimits } from '../../src/apiserver/http/limits.ts';
import type { FollowOptions } from '../../src/apiserver/registry/following.ts';
import { RETRY_LINES } from '../../src/apiserver/rest/event-stream.ts';
import { type ApiServer, startApiServer } from '../../src/apiserver/start.ts';
import { randomId, randomSecret, systemClock } from '../../src/host/clock.ts';
import { type Role, ROLES } from '../../src/model/access.ts';
import { createToken } from '../../src/ops/tokens.ts';
import { createApiStore } from '../../src/store/api/api.ts';
import type { ServableStore } from '../../src/store/lease-calls.ts';
import { createMemoryStore, type MemoryStore } from '../../src/store/memory/memory.ts';
import { silentLog } from '../harness/log.ts';
import { admin } from '../ops/world.ts';

/** An answer of a server. */
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
  readonly headers: IncomingMessage['headers'];
}

/** One request. */
export interface HttpAsk {
  readonly method?: string | undefined;
  /** As it stands in the request line. */
  readonly target: string;
  readonly token?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as it is if it is bytes, else as JSON. */
  readonly body?: unknown;
}

/** The world. */
export interface ApiWorld {
  readonly backend: MemoryStore;
  readonly server: ApiServer;
  readonly url: string;
  /** Tokens by role; the node's name is `n1`, all others are called as their role. */
  readonly tokens: ReadonlyMap<Role, string>;
  readonly ask: (ask: HttpAsk) => Promise<HttpAnswer>;
  /** A store that speaks to it with a role's token. */
  readonly store: (role: Role) => ServableStore;
  readonly close: () => Promise<void>;
}

/** Makes a token and gives its text. */
export async function makeToken(
  backend: MemoryStore,
  role: Role,
  { name = role === 'node' ? 'n1' : role, expiresInMs = undefined as number | undefined } = {},
): Promise<string> {
  const deps = { ...admin(backend), newId: randomId, newSecret: randomSecret };
  const wanted = { role, name, expiresInMs, reason: undefined };
  return (await createToken(deps, wanted, { dryRun: false, keep: async () => {} })).text;
}

/** Sends a request as it is told, odd ones too. */
function askHttp(port: number, agent: Agent, ask: HttpAsk): Promise<HttpAnswer> {
  const { target, token, body } = ask;
  const bytes = Buffer.isBuffer(body) ? body : body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        agent,
        path: target,
        method: ask.method ?? (body === undefined ? 'GET' : 'POST'),
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(bytes === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(bytes) }),
          ...ask.headers,
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
          // A watch goes on for ever; what it says first, after how to come back, tells.
          if (target.includes('/watch?') && text.replace(RETRY_LINES, '') !== '') response.destroy();
        });
        response.once('error', () => undefined);
        response.once('close', () =>
          resolve({ status: response.statusCode ?? 0, text, headers: response.headers }),
        );
      },
    );
    sent.once('error', reject);
    sent.end(bytes);
  });
}

/** Starts it. */
export async function startApiWorld({
  limits,
  anonymous,
  follow,
  backend: shared,
}: {
  readonly limits?: Partial<HttpLimits>;
  readonly anonymous?: Role;
  readonly follow?: FollowOptions;
  /** Of another server, which closes it. */
  readonly backend?: MemoryStore;
} = {}): Promise<ApiWorld> {
  const backend = shared ?? createMemoryStore();
  const tokens = new Map<Role, string>();
  for (const role of ROLES) tokens.set(role, await makeToken(backend, role));
  const server = await startApiServer({
    store: backend,
    host: '127.0.0.1',
    port: 0,
    tls: undefined,
    anonymous,
    follow,
    log: silentLog,
    clock: systemClock,
    random: Math.random,
    newId: randomId,
    limits: { ...HTTP_LIMITS, ...limits },
  });
  await server.synced(10_000);
  const agent = new Agent({ keepAlive: true });
  const url = `http://127.0.0.1:${server.port}`;
  return {
    backend,
    server,
    url,
    tokens,
    ask: (ask) => askHttp(server.port, agent, ask),
    store: (role) => createApiStore({ servers: [url], token: tokens.get(role) }),
    close: async () => {
      agent.destroy();
      await server.close();
      if (shared === undefined) await backend.close();
    },
  };
}

/** A server that soon has had enough of what it refuses, and which is asked much. */
export async function startTouchyWorld(): Promise<ApiWorld> {
  const refusals = { burst: 20, perSecond: 1 };
  const requests = { burst: 1_000_000, perSecond: 1 };
  return await startApiWorld({ limits: { refusals, requests }, anonymous: 'viewer' });
}
