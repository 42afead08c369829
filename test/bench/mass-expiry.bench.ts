/**
 * Owns trying what makes many registered instances look dead at once while they are not: 40 % of them cannot be heard, both API servers are
 * restarted, every etcd member (so the leader too) is killed in turn. None may be removed.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomId, systemClock } from '../../src/host/clock.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { monitorLoop } from '../../src/monitor/loop.ts';
import { prefixRange } from '../../src/store/keys.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { instanceBody } from '../contract/registry-world.ts';
import { type EtcdCluster, startEtcd } from '../harness/etcd.ts';
import { silentLog } from '../harness/log.ts';
import { recordFigures } from './figures.ts';
import { type Served, startServed } from './served.ts';

const COUNT = 100;
const CUT = 40;
const LEASE = { renewalIntervalInSecs: 1, durationInSecs: 3 };
const ids = Array.from({ length: COUNT }, (_, index) => `i-${index}`);

describe('many that look dead', () => {
  let etcd: EtcdCluster;
  let store: Store;
  let monitor: Promise<void>;
  let renewing: Promise<void>;
  const servers: Served[] = [];
  const stop = new AbortController();
  let silent: ReadonlySet<string> = new Set();
  let answered = 0;

  beforeAll(async () => {
    etcd = await startEtcd({ members: 3 });
    store = await openStore({ endpoints: etcd.endpoints });
    for (const _ of [1, 2]) servers.push(await startServed(etcd.endpoints, 'registry'));
    monitor = monitorLoop({
      node: 'n1',
      host: 'n1',
      pid: 1,
      mode: 'act',
      sample: () => ({ close: async () => Promise.resolve() }),
      readMetric: async () => Promise.resolve(1),
      openStore: () => Promise.resolve({ ...store, close: () => Promise.resolve() }),
      log: silentLog,
      clock: systemClock,
      random: Math.random,
      newId: randomId,
      signal: stop.signal,
    });
  }, 60_000);
  afterAll(async () => {
    stop.abort();
    await Promise.all([monitor, renewing]);
    await Promise.all(servers.map(({ child }) => child.stop()));
    await store.close();
    await etcd.close();
  });

  /** One request as a client makes it: at the next server where one does not answer. */
  const ask = async (index: number, method: string, path: string, body?: unknown): Promise<number> => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    for (const at of [index, index + 1]) {
      const { url } = servers[at % 2] ?? { url: '' };
      const sent = fetch(`${url}/eureka/apps/WEB${path}`, {
        method,
        signal: AbortSignal.timeout(2_000),
        ...(text === undefined ? {} : { body: text, headers: { 'content-type': 'application/json' } }),
      });
      const status = await sent.then(
        (answer) => answer.status,
        () => 0,
      );
      if (status > 0 && status < 500) return status;
    }
    return 0;
  };
  /** One round of heartbeats. A 404 is not answered with a registration: an instance that was removed stays removed. */
  const beat = async (): Promise<void> => {
    await Promise.all(
      ids.map(async (id, index) => {
        if (silent.has(id)) return;
        if ((await ask(index, 'PUT', `/${id}`)) === 200) answered += 1;
      }),
    );
  };
  const renewAll = async (): Promise<void> => {
    while (!stop.signal.aborted) await Promise.all([beat(), systemClock.sleep(1_000, stop.signal)]);
  };
  const registered = async (): Promise<number> => (await store.count(prefixRange('app/WEB/'))).count;
  const marked = async (word: string): Promise<number> =>
    (await store.list(prefixRange('alive/WEB/'))).items.filter(({ value }) => value.includes(word)).length;

  it('are not removed', async () => {
    for (const [index, id] of ids.entries()) {
      const fields = { ipAddr: `10.0.${index >> 8}.${index & 255}`, leaseInfo: LEASE };
      expect(await ask(index, 'POST', '', instanceBody('WEB', id, fields))).toBe(204);
    }
    renewing = renewAll();
    const untilAllHeard = async (): Promise<void> => {
      await waitUntil(
        async () => (await marked('"server"')) === COUNT && (await marked('silentSinceMs')) === 0,
        {
          what: 'all to be heard',
          timeoutMs: 40_000,
        },
      );
    };
    await untilAllHeard();
    silent = new Set(ids.slice(0, CUT));
    await waitUntil(async () => (await marked('silentSinceMs')) === CUT, {
      what: 'the silence of those that are cut off',
      timeoutMs: 30_000,
    });
    await systemClock.sleep(5_000);
    const afterCut = await registered();
    silent = new Set();
    await untilAllHeard();
    for (const [at, old] of servers.entries()) {
      await old.child.stop();
      servers[at] = await startServed(etcd.endpoints, 'registry');
    }
    await untilAllHeard();
    const afterRestarts = await registered();
    for (const member of etcd.members) {
      await member.kill();
      await systemClock.sleep(3_000);
      await member.start();
    }
    await untilAllHeard();
    const afterKills = await registered();
    const figure = (what: string, left: number) => ({
      what,
      measured: `${COUNT - left} removed`,
      target: '0',
      met: left === COUNT,
    });
    const missed = recordFigures(`Mass expiry: ${COUNT} instances with leases of 3 s`, [
      figure(`${CUT} % of them cannot be heard for longer than their lease`, afterCut),
      figure('both API servers restarted, one after the other', afterRestarts),
      figure('each of 3 etcd members killed for 3 s', afterKills),
    ]);
    expect(answered).toBeGreaterThan(COUNT * 10);
    expect(missed).toEqual([]);
  });
});
