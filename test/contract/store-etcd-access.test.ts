/** etcd with certificates, users, roles and a quota: what is allowed works, what is not is told, and no secret is shown. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/host/clock.ts';
import { connectEtcd3, type EtcdClient } from '../../src/store/etcd/etcd3.ts';
import { startInformer } from '../../src/store/informer.ts';
import { AGENT_RANGE, prefixRange } from '../../src/store/keys.ts';
import { openStore } from '../../src/store/open.ts';
import { type Certificates, makeCertificates } from '../harness/certificates.ts';
import { type EtcdCluster, startEtcd } from '../harness/etcd.ts';
import { eventually } from './store-world.ts';
import { put, record, write } from './store.contract.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-access-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** An administrator, and a user `node1` who may read and write only below /sluice/v1/node/. */
async function enableAuth(client: EtcdClient): Promise<void> {
  await client.auth.userAdd({ name: 'root', password: 'canary-root' });
  await client.auth.userAdd({ name: 'node1', password: 'canary-node' });
  await client.auth.roleAdd({ name: 'root' });
  await client.auth.roleAdd({ name: 'node' });
  await client.auth.roleGrantPermission({
    name: 'node',
    perm: {
      permType: 'Readwrite',
      key: Buffer.from('/sluice/v1/node/'),
      range_end: Buffer.from('/sluice/v1/node0'),
    },
  });
  await client.auth.userGrantRole({ user: 'root', role: 'root' });
  await client.auth.userGrantRole({ user: 'node1', role: 'node' });
  await client.auth.authEnable();
}

describe('etcd with users and passwords', () => {
  let cluster: EtcdCluster;
  beforeAll(async () => {
    cluster = await startEtcd({ flags: ['--bcrypt-cost=4'] });
    const client = connectEtcd3({ endpoint: cluster.endpoints[0] ?? '' });
    await enableAuth(client);
    client.close();
    await writeFile(join(folder, 'root'), 'canary-root\n', { mode: 0o600 });
    await writeFile(join(folder, 'node1'), 'canary-node', { mode: 0o600 });
    await writeFile(join(folder, 'wrong'), 'canary-wrong\n', { mode: 0o600 });
  });
  afterAll(async () => {
    await cluster.close();
  });
  const open = (username: string, password: string) =>
    openStore({ endpoints: cluster.endpoints, username, passwordFile: join(folder, password) });

  it('takes the password from its file', async () => {
    const store = await open('root', 'root');
    await write(store, put('service/a', '1'));
    expect((await store.status())[0]).toMatchObject({
      healthy: true,
      version: expect.stringMatching(/^3\./),
    });
    await store.close();
  });

  it('says what is refused, without any password', async () => {
    const attempts = [
      { user: 'root', file: 'wrong' },
      { user: 'node1', file: 'node1' },
    ];
    for (const { user, file } of attempts) {
      const store = await open(user, file);
      const errors = await Promise.all(
        [
          store.list(prefixRange('service/')),
          store.transact({ compares: [], operations: [put('service/a', '2')] }),
          store.transact({ compares: [], operations: [put('service/b', '2')], requestKey: 'service/b' }),
        ].map((call) => call.catch((error: unknown) => error)),
      );
      for (const error of errors) {
        expect(error).toMatchObject({ code: 'permission' });
        expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('canary');
      }
      expect(inspect(store, { depth: 20, showHidden: true })).not.toContain('canary');
      await store.close();
    }
  });

  it('lets a user do what its role allows', async () => {
    const store = await open('node1', 'node1');
    await write(store, put('node/node1', '{}'));
    expect((await store.list(prefixRange('node/'))).items).toHaveLength(1);
    const lease = await store.grantLease(5);
    await write(store, { kind: 'put', key: 'node/alive', value: '', lease: lease.id });
    await lease.revoke();
    expect((await store.count(prefixRange('node/'))).count).toBe(1);
    await store.close();
  });

  it('follows on after a restart that made all tokens invalid', async () => {
    const store = await open('root', 'root');
    const informer = startInformer({
      store,
      range: AGENT_RANGE,
      clock: systemClock,
      random: Math.random,
      onChange: () => undefined,
    });
    await informer.synced(20_000);
    const [member] = cluster.members;
    await member?.kill();
    await eventually(() => expect(informer.state().connected).toBe(false));
    await member?.start();
    await eventually(async () => void (await write(store, put('service/after', '1'))));
    await eventually(() => expect(informer.items.has('service/after')).toBe(true));
    expect(informer.state().lists).toBe(1);
    await informer.close();
    await store.close();
  });

  it('tells a wrong password at once instead of waiting for the first listing', async () => {
    const store = await open('root', 'wrong');
    const informer = startInformer({
      store,
      range: AGENT_RANGE,
      clock: systemClock,
      random: Math.random,
      onChange: () => undefined,
    });
    await expect(informer.synced(60_000)).rejects.toMatchObject({ code: 'permission' });
    await informer.close();
    await store.close();
  });
});

describe('etcd with certificates', () => {
  let cluster: EtcdCluster;
  let certificates: Certificates;
  beforeAll(async () => {
    certificates = await makeCertificates(folder, 'node1');
    const { cacert, server } = certificates;
    const flags = [`--cert-file=${server.cert}`, `--key-file=${server.key}`, `--trusted-ca-file=${cacert}`];
    cluster = await startEtcd({ scheme: 'https', flags: [...flags, '--client-cert-auth'] });
  });
  afterAll(async () => {
    await cluster.close();
  });

  it.each(['127.0.0.1', 'localhost'])('serves a client with a certificate at %s', async (host) => {
    const { cacert, client } = certificates;
    const endpoint = `https://${host}:${cluster.members[0]?.clientPort}`;
    const store = await openStore({ endpoints: [endpoint], cacert, ...client });
    const revision = await write(store, put('service/a', host));
    expect((await store.get('service/a')).item).toMatchObject({ value: host, modRevision: revision });
    await store.close();
  });

  it('refuses a client without one, and a server that the authority did not sign', async () => {
    const { cacert, client } = certificates;
    const endpoints = cluster.endpoints;
    for (const files of [{ cacert }, client]) {
      const store = await openStore({ endpoints, ...files });
      await expect(store.get('service/a', { timeoutMs: 1_500 })).rejects.toMatchObject({
        code: 'unavailable',
      });
      await store.close();
    }
  });
});

describe('an etcd that is full', () => {
  let cluster: EtcdCluster;
  beforeAll(async () => {
    cluster = await startEtcd({ flags: ['--quota-backend-bytes=3000000'] });
  });
  afterAll(async () => {
    await cluster.close();
  });

  it('says so and how to mend it, and goes on reading', async () => {
    const store = await openStore({ endpoints: cluster.endpoints });
    const fill = async (): Promise<void> => {
      for (let index = 0; index < 20; index += 1) {
        await write(store, put(`service/${index}`, 'x'.repeat(1_000_000)));
      }
    };
    const refusal = await fill().catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'failed', fix: expect.stringContaining('etcdctl') });
    expect((await store.count(prefixRange('service/'))).count).toBeGreaterThan(0);
    await expect(store.grantLease(5)).rejects.toMatchObject({ code: 'failed' });
    await store.close();
  });
});

describe('three members of which some are away', () => {
  let cluster: EtcdCluster;
  beforeAll(async () => {
    cluster = await startEtcd({ members: 3 });
  });
  afterAll(async () => {
    await cluster.close();
  });
  const open = () => openStore({ endpoints: cluster.endpoints });

  it('serves every call while one is dead or answers nothing', async () => {
    for (const [index, member] of cluster.members.entries()) {
      const store = await open();
      await write(store, put('service/before', '1'));
      if (index === 0) member.pause();
      else await member.kill();
      for (let call = 0; call < 6; call += 1) {
        const key = `service/${member.name}-${call}`;
        const operations = [put(key, '1'), put(`audit/${key}`, '{}')];
        const result = await store.transact({ compares: [], operations, requestKey: `audit/${key}` });
        expect(result.kind).toBe('done');
        expect((await store.get(key)).item?.version).toBe(1);
      }
      const health = (await store.status({ timeoutMs: 1_000 })).map((each) => each.healthy);
      expect(health).toEqual(cluster.members.map((_, each) => each !== index));
      if (index === 0) member.resume();
      else await member.start();
      await store.close();
    }
  });

  it('says "unavailable" for a write if all are stopped', async () => {
    const store = await open();
    await Promise.all(cluster.members.map((member) => member.kill()));
    const started = performance.now();
    await expect(
      store.transact({ compares: [], operations: [put('service/x', '1')], requestKey: 'service/x' }),
    ).rejects.toMatchObject({ code: 'unavailable', details: { written: false } });
    expect(performance.now() - started).toBeLessThan(20_000);
    await Promise.all(cluster.members.map((member) => member.start()));
    await eventually(async () => expect((await store.get('service/x')).item).toBeUndefined());
    await store.close();
  });
});

describe('an etcd with large values', () => {
  let cluster: EtcdCluster;
  beforeAll(async () => {
    cluster = await startEtcd();
  });
  afterAll(async () => {
    await cluster.close();
  });

  it('delivers and lists more than a client may receive at once, whole transactions each', async () => {
    const store = await openStore({ endpoints: cluster.endpoints });
    const value = 'x'.repeat(700_000);
    const start = await write(store, put('service/first', '1'));
    for (let index = 0; index < 50; index += 1) {
      const operations = [put(`service/a${index}`, value), put(`service/b${index}`, value)];
      await store.transact({ compares: [], operations }, { timeoutMs: 20_000 });
    }
    const seen = record(store, 'service/', start);
    await eventually(() => expect(seen.text()).toHaveLength(100));
    expect(seen.batches.map((batch) => batch.length % 2)).toEqual(seen.batches.map(() => 0));
    const { items } = await store.list(prefixRange('service/'), { timeoutMs: 30_000 });
    expect(items).toHaveLength(101);
    await store.close();
  });
});
