/** The informer on a real cluster of three behind proxies: nothing is lost whatever happens to connections, members and history. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/host/clock.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { createEtcdStore } from '../../src/store/etcd/etcd.ts';
import { connectEtcd3 } from '../../src/store/etcd/etcd3.ts';
import { type Informer, startInformer } from '../../src/store/informer.ts';
import type { InformerChange } from '../../src/store/informer-options.ts';
import { AGENT_RANGE, GENERATION_KEY } from '../../src/store/keys.ts';
import type { Store } from '../../src/store/store.ts';
import { SluiceError } from '../../src/errors.ts';
import { startTcpProxy, type TcpProxy } from '../harness/tcp-proxy.ts';
import { useLab } from './harness/use-lab.ts';

const PREFIX = '/sluice/v1/';
/** OPS_ROUNDS=200 makes as many as were asked for once. */
const ROUNDS = Number(process.env['OPS_ROUNDS'] ?? 60);

describe('the informer on three etcd members', { timeout: 180_000 }, () => {
  const lab = useLab({ nodes: 3, etcd: 3, etcdHeartbeatMs: 30 });
  const ways: TcpProxy[] = [];
  const writerWays: TcpProxy[] = [];
  const changes: InformerChange[] = [];
  const relists: string[] = [];
  let writer: Store;
  let reader: Store;
  let informer: Informer;
  let written = 0;

  beforeAll(async () => {
    for (const member of lab().etcd().members) {
      ways.push(await startTcpProxy(member.socket));
      writerWays.push(await startTcpProxy(member.socket));
    }
    writer = storeOver(writerWays);
    reader = storeOver(ways);
    informer = startInformer({
      store: reader,
      range: AGENT_RANGE,
      clock: systemClock,
      random: Math.random,
      onChange: (change) => {
        changes.push(change);
        if (change.cause === 'list') relists.push(informer.state().lastRelist ?? 'first');
      },
    });
    await informer.synced(20_000);
  });
  afterAll(async () => {
    await informer.close();
    await Promise.all([writer.close(), reader.close()]);
    await Promise.all([...ways, ...writerWays].map((way) => way.close()));
  });

  const writeMany = async (count: number): Promise<void> => {
    const end = written + count;
    const one = async (): Promise<void> => {
      while (written < end) await writeOnce(writer, (written += 1));
    };
    await Promise.all(Array.from({ length: 32 }, one));
  };
  const caughtUp = async (): Promise<void> => {
    const { revision } = await newestKey(writer);
    await waitUntil(() => informer.state().connected && informer.state().revision >= revision, {
      what: `the informer to reach revision ${revision}`,
      timeoutMs: 30_000,
      facts: () => JSON.stringify(informer.state()),
    });
  };
  /** Brings the informer to one member and opens the ways to the others again. */
  const settleAt = async (index: number): Promise<void> => {
    const others = ways.filter((_, each) => each !== index);
    const { watches } = informer.state();
    refuse(ways);
    await waitUntil(() => !informer.state().connected, { what: 'the cut to be noticed', timeoutMs: 20_000 });
    resume(ways.slice(index, index + 1));
    await waitUntil(() => informer.state().connected && informer.state().watches > watches, {
      what: `the informer to be at member ${index + 1}`,
      timeoutMs: 20_000,
    });
    resume(others);
  };

  it('follows while its connections are cut again and again', async () => {
    const { lists, watches } = informer.state();
    const writing = writeMany(3_000);
    for (let cuts = 0; cuts < 5; cuts += 1) {
      await waitUntil(() => informer.state().connected, { what: 'a watch', timeoutMs: 20_000 });
      for (const way of ways) way.cut();
      await waitUntil(() => !informer.state().connected, {
        what: 'the cut to be noticed',
        timeoutMs: 20_000,
      });
    }
    await writing;
    await caughtUp();
    expect(informer.state().lists).toBe(lists);
    expect(informer.state().watches).toBeGreaterThanOrEqual(watches + 5);
  });

  it('catches up 2,500 revisions though it is cut twice on the way, without a listing', async () => {
    refuse(ways);
    await writeMany(2_500);
    const { lists, events } = informer.state();
    for (let cuts = 0; cuts < 2; cuts += 1) {
      const { watches } = informer.state();
      for (const way of ways) way.cutAfter(200_000, 'down');
      resume(ways);
      await waitUntil(() => informer.state().watches > watches && !informer.state().connected, {
        what: `cut ${cuts + 1} during the catch-up`,
        timeoutMs: 20_000,
        everyMs: 1,
        facts: () => JSON.stringify(informer.state()),
      });
    }
    await caughtUp();
    expect(informer.state().lists).toBe(lists);
    expect(informer.state().events - events).toBeGreaterThanOrEqual(5_000);
  });

  it('lists again after a compaction while it was cut off', async () => {
    refuse(ways);
    await writeMany(2_000);
    await writer.transact({ compares: [], operations: [{ kind: 'delete', key: 'service/moving-1' }] });
    const { revision } = await newestKey(writer);
    const raw = connectEtcd3({ endpoint: `http://127.0.0.1:${writerWays[0]?.port}` });
    await raw.kv.compact({ revision, physical: true });
    raw.close();
    await writeMany(500);
    resume(ways);
    await caughtUp();
    expect(relists.at(-1)).toContain('compacted');
  });

  it('follows while the member that it uses is killed and started again', async () => {
    await settleAt(0);
    const [member] = lab().etcd().members;
    const { lists } = informer.state();
    const writing = writeMany(3_000);
    await member?.stop('SIGKILL');
    await member?.start();
    await writing;
    await caughtUp();
    expect(informer.state().lists).toBe(lists);
  });

  it('leaves a member that is cut off from the others, and one that is stopped', async () => {
    const { lists } = informer.state();
    await settleAt(1);
    await lab().isolate(2);
    await writeMany(1_700);
    await caughtUp();
    await lab().heal();
    await settleAt(2);
    const child = lab().etcd().members[2]?.process();
    child?.signal('SIGSTOP');
    await writeMany(1_700);
    await caughtUp();
    child?.signal('SIGCONT');
    expect(informer.state().lists).toBe(lists);
  });

  it('lists instead of catching up when it is far behind', async () => {
    refuse(ways);
    await writeMany(5_600);
    resume(ways);
    await caughtUp();
    expect(relists.at(-1)).toContain('the store is at revision');
  });

  it('has seen every key of 20,000 writes, in order, and equals the store', async () => {
    await writeMany(100);
    await caughtUp();
    const { items } = await writer.list(AGENT_RANGE, { timeoutMs: 20_000 });
    expect([...informer.items.values()].toSorted(byKey)).toEqual(items);
    const seen = new Set(changes.flatMap((change) => change.keys));
    const missing = Array.from({ length: written }, (_, index) => onceKey(index + 1)).filter(
      (key) => !seen.has(key),
    );
    expect(missing).toEqual([]);
    expect(written).toBeGreaterThanOrEqual(20_000);
    const revisions = changes.map((change) => change.revision);
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
    expect(relists.filter((why) => why.includes('events were lost'))).toEqual([]);
  });

  it(`lets exactly one of eight admins have an entry, in each of ${ROUNDS} rounds`, async () => {
    const endpoints = writerWays.map((way) => `http://127.0.0.1:${way.port}`);
    const admins = Array.from({ length: 8 }, () => createEtcdStore({ endpoints, prefix: PREFIX }));
    for (let round = 0; round < ROUNDS; round += 1) {
      const key = `entry/10.96.0.${round}:80/tcp`;
      const claims = admins.map(async (admin, index) => {
        const audit = `audit/claim-${round}-${index}`;
        return admin.transact({
          compares: [{ kind: 'create-revision', key, equals: 0 }],
          operations: [
            { kind: 'put', key, value: String(index) },
            { kind: 'put', key: audit, value: String(index) },
          ],
          requestKey: audit,
        });
      });
      const results = await Promise.all(claims);
      const winners = results.flatMap((result, index) => (result.kind === 'done' ? [String(index)] : []));
      expect(winners).toEqual([(await writer.get(key)).item?.value]);
    }
    await Promise.all(admins.map((admin) => admin.close()));
  });

  it('does a write once that is held up on its way and arrives after it was done elsewhere', async () => {
    const [first, second] = ways;
    const endpoints = [first, second].map((way) => `http://127.0.0.1:${way?.port}`);
    const store = createEtcdStore({ endpoints, prefix: PREFIX, random: () => 0 });
    await store.get('late');
    first?.pause('up');
    const result = await store.transact(
      { compares: [], operations: [{ kind: 'put', key: 'late', value: 'x' }], requestKey: 'late' },
      { timeoutMs: 5_000 },
    );
    expect(result.kind).toBe('done');
    first?.resume();
    await createAndRead(endpoints.slice(0, 1));
    const { item } = await writer.get('late');
    expect(item).toMatchObject({ value: 'x', modRevision: result.revision });
    await store.close();
  });
});

const refuse = (proxies: readonly TcpProxy[]): void => {
  for (const way of proxies) way.refuse();
};
const resume = (proxies: readonly TcpProxy[]): void => {
  for (const way of proxies) way.resume();
};

const storeOver = (proxies: readonly TcpProxy[]): Store =>
  createEtcdStore({ endpoints: proxies.map((way) => `http://127.0.0.1:${way.port}`), prefix: PREFIX });

const onceKey = (index: number): string => `service/once-${String(index).padStart(5, '0')}`;
const byKey = (a: { readonly key: string }, b: { readonly key: string }): number => (a.key < b.key ? -1 : 1);

/** One write, repeated until it is done; its own key is the request key, so that it is done once. */
async function writeOnce(store: Store, index: number): Promise<void> {
  const key = onceKey(index);
  const moving = `service/moving-${index % 50}`;
  await waitUntil(
    async () => {
      try {
        const result = await store.transact({
          compares: [],
          operations: [
            { kind: 'put', key, value: String(index) },
            { kind: 'put', key: GENERATION_KEY, value: String(index) },
            index % 7 === 0
              ? { kind: 'delete', key: moving }
              : { kind: 'put', key: moving, value: String(index) },
          ],
          requestKey: key,
        });
        return result.kind === 'done';
      } catch (error) {
        if (error instanceof SluiceError && (error.code === 'unavailable' || error.code === 'unknown'))
          return false;
        throw error;
      }
    },
    { what: `write ${index}`, timeoutMs: 30_000 },
  );
}

/** The generation is part of every write here, so that its revision is the newest of the range. */
async function newestKey(store: Store): Promise<{ readonly revision: number }> {
  const { item } = await store.get(GENERATION_KEY, { timeoutMs: 10_000 });
  return { revision: item?.modRevision ?? 0 };
}

/** A read through the first endpoint: what it held up before has arrived. */
async function createAndRead(endpoints: readonly string[]): Promise<void> {
  const store = createEtcdStore({ endpoints, prefix: PREFIX });
  await store.get('late', { timeoutMs: 10_000 });
  await store.close();
}
