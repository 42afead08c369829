/** Owns what the store contract needs of a server and its clients, for each implementation: connections, faults, compaction. */
import { vi } from 'vitest';
import { startApiServer } from '../../src/apiserver/start.ts';
import { createApiStore } from '../../src/store/api/api.ts';
import { createEtcdStore } from '../../src/store/etcd/etcd.ts';
import { connectEtcd3 } from '../../src/store/etcd/etcd3.ts';
import type { MemoryFault } from '../../src/store/memory/calls.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { createMemoryBackend } from '../../src/store/memory/backend.ts';
import { randomId, systemClock } from '../../src/host/clock.ts';
import type { ServableStore } from '../../src/store/lease-calls.ts';
import type { Store } from '../../src/store/store.ts';
import { startEtcd } from '../harness/etcd.ts';
import { silentLog } from '../harness/log.ts';
import { startTcpProxy } from '../harness/tcp-proxy.ts';

/** A server, and two clients of it: one with a way to it that can be broken, and one that always gets through. */
export interface StoreWorld {
  readonly store: Store;
  readonly direct: Store;
  /** One more client that always gets through. */
  readonly connect: () => Store;
  /** Forgets all history before `revision`. */
  readonly compact: (revision: number) => Promise<void>;
  /** Runs a call whose answer is lost after `done` holds. `after`: then the store is reachable again, or not. */
  readonly loseAnswer: <T>(call: () => Promise<T>, how: LostAnswer) => Promise<T>;
  /** Runs a call whose request is lost on its way; then all is well. */
  readonly loseRequest: <T>(call: () => Promise<T>) => Promise<T>;
  readonly breakWay: () => void;
  readonly healWay: () => void;
  readonly close: () => Promise<void>;
}

/** When to cut, and what comes after. */
export interface LostAnswer {
  readonly done: () => Promise<boolean>;
  readonly after: 'reachable' | 'gone';
}

/** Waits for a condition; the deadline is generous, as the machine may be busy. */
export const eventually = <T>(condition: () => Promise<T> | T): Promise<T> =>
  vi.waitFor(condition, { timeout: 20_000, interval: 5 });

/** The store in memory. */
export async function memoryWorld(): Promise<StoreWorld> {
  const backend = createMemoryBackend(systemClock);
  const faults: MemoryFault[] = [];
  let broken = false;
  const fault = (): MemoryFault | undefined =>
    faults.shift() ?? (broken ? { kind: 'unreachable' } : undefined);
  const store = createMemoryStore({ backend, fault });
  const direct = createMemoryStore({ backend });
  await Promise.resolve();
  return {
    store,
    direct,
    connect: () => createMemoryStore({ backend }),
    compact: async (revision) => {
      backend.compact(revision);
      await Promise.resolve();
    },
    loseAnswer: (call, how) => {
      faults.push({ kind: 'lose-answer' });
      broken = how.after === 'gone';
      return call();
    },
    loseRequest: (call) => {
      faults.push({ kind: 'lose-request' });
      return call();
    },
    breakWay: () => {
      broken = true;
      store.cutWatches('broken by the test');
    },
    healWay: () => {
      broken = false;
    },
    close: async () => {
      await Promise.all([store.close(), direct.close()]);
    },
  };
}

/** What a world behind a proxy is made of. */
interface Reachable {
  /** Where the server listens on loopback. */
  readonly port: number;
  /** A client of the server at this port. */
  readonly connect: (port: number) => Store;
  readonly compact: (revision: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

const PREFIX = '/sluice/v1/';

const etcdAt = (port: number): ServableStore =>
  createEtcdStore({ endpoints: [`http://127.0.0.1:${port}`], prefix: PREFIX });

/** A real etcd of one member behind a proxy. */
export async function etcdWorld(): Promise<StoreWorld> {
  const { port, compact, close } = await startMember();
  return proxied({ port, connect: etcdAt, compact, close });
}

/** An API server that lets everybody write everything, on a real etcd, behind a proxy. */
export async function apiWorld(): Promise<StoreWorld> {
  const member = await startMember();
  const behind = etcdAt(member.port);
  const server = await startApiServer({
    store: behind,
    host: '127.0.0.1',
    port: 0,
    tls: undefined,
    anonymous: 'admin',
    log: silentLog,
    clock: systemClock,
    random: Math.random,
    newId: randomId,
    checkWrite: (transaction) => Promise.resolve(transaction),
  });
  await server.synced(20_000);
  return proxied({
    port: server.port,
    connect: (port) => createApiStore({ servers: [`http://127.0.0.1:${port}`] }),
    compact: member.compact,
    close: async () => {
      await server.close();
      await behind.close();
      await member.close();
    },
  });
}

async function startMember(): Promise<Omit<Reachable, 'connect'>> {
  const cluster = await startEtcd();
  const [member] = cluster.members;
  if (member === undefined) throw new Error('no member');
  const raw = connectEtcd3({ endpoint: member.endpoint });
  return {
    port: member.clientPort,
    compact: async (revision) => {
      await raw.kv.compact({ revision, physical: true }, { deadline: Date.now() + 20_000 });
    },
    close: async () => {
      raw.close();
      await cluster.close();
    },
  };
}

async function proxied({ port, connect, compact, close }: Reachable): Promise<StoreWorld> {
  const proxy = await startTcpProxy(port);
  const store = connect(proxy.port);
  const direct = connect(port);
  return {
    store,
    direct,
    connect: () => connect(port),
    compact,
    loseAnswer: async (call, how) => {
      await store.count({ start: 'a', end: 'b' });
      proxy.pause('down');
      const answer = call();
      answer.catch(() => undefined);
      await eventually(async () => {
        if (!(await how.done())) throw new Error('not done yet');
      });
      proxy.cut();
      proxy.resume();
      if (how.after === 'gone') proxy.refuse();
      return answer;
    },
    loseRequest: async (call) => {
      await store.count({ start: 'a', end: 'b' });
      proxy.pause('up');
      const answer = call();
      answer.catch(() => undefined);
      await eventually(() => {
        if (proxy.held('up') === 0) throw new Error('not sent yet');
      });
      proxy.cut();
      proxy.resume();
      return answer;
    },
    breakWay: proxy.refuse,
    healWay: proxy.resume,
    close: async () => {
      await Promise.all([store.close(), direct.close()]);
      await proxy.close();
      await close();
    },
  };
}
