import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodeOf, SluiceError } from '../../src/errors.ts';
import { parseInstanceArgument } from '../../src/model/instance-argument.ts';
import { changeInstances } from '../../src/ops/change-instances.ts';
import type { ServiceSpec } from '../../src/model/service.ts';
import type { WriteDeps } from '../../src/ops/deps.ts';
import { publish } from '../../src/ops/publish.ts';
import type { WriteReport } from '../../src/ops/result.ts';
import { createEtcdStore } from '../../src/store/etcd/etcd.ts';
import { instancesOf, prefixRange, SERVICES } from '../../src/store/keys.ts';
import type { Store } from '../../src/store/store.ts';
import { type EtcdCluster, startEtcd } from '../harness/etcd.ts';
import { admin, spec, withOthers } from '../ops/world.ts';

const ADMINS = 8;
/** OPS_ROUNDS=200 makes as many as were asked for once. */
const ROUNDS = Number(process.env['OPS_ROUNDS'] ?? 60);

let cluster: EtcdCluster;
let stores: readonly (Store & { attempts: number })[] = [];
let admins: readonly WriteDeps[] = [];

beforeAll(async () => {
  cluster = await startEtcd({ members: 3 });
  // Every admin has a connection of its own, and they are spread over the members.
  stores = Array.from({ length: ADMINS }, (_, index) => {
    const endpoints = cluster.endpoints.slice(index % 3).concat(cluster.endpoints.slice(0, index % 3));
    return withOthers(createEtcdStore({ endpoints, prefix: '/sluice/v1/', random: () => 0 }), () =>
      Promise.resolve(),
    );
  });
  admins = stores.map((store, index) => admin(store, `admin-${index}`, { random: Math.random }));
});

afterAll(async () => {
  await Promise.all(stores.map((store) => store.close()));
  await cluster.close();
});

const names = async (range: ReturnType<typeof prefixRange>): Promise<readonly string[]> =>
  (await admins[0]?.store.list(range))?.items.map(({ key }) => key) ?? [];

/** Publishes; an error before the write (the entry was seen taken) is reported like one at the write. */
async function publishOne(deps: WriteDeps, wanted: ServiceSpec): Promise<WriteReport> {
  return publish(deps, [wanted]).catch((error: unknown) => {
    if (!(error instanceof SluiceError)) throw error;
    return { results: [], failures: [], notTried: [], revision: 0, error };
  });
}

/** Who won a round; fails unless the others were told so. */
function winnerOf(reports: readonly WriteReport[]): string {
  const winners = reports.flatMap(({ results }) => results.map(({ service }) => service));
  expect(winners).toHaveLength(1);
  const lost = reports.filter(({ error }) => error !== undefined);
  expect(lost).toHaveLength(ADMINS - 1);
  for (const { error } of lost) {
    expect(exitCodeOf(error)).toBe(75);
    expect(error?.details['holder']).toBe(winners[0]);
  }
  return winners[0] ?? '';
}

describe('admins on three real members of etcd', () => {
  it('publish the same entry at once: exactly one wins each round, the others learn who holds it', async () => {
    const winners: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const entry = `10.96.${round >> 8}.${(round & 255) + 1}:80`;
      const reports = await Promise.all(
        admins.map((deps, index) => publishOne(deps, spec(`s${round}-${index}`, entry))),
      );
      winners.push(winnerOf(reports));
    }
    expect(await names(SERVICES)).toEqual(winners.map((name) => `service/${name}`).toSorted());
    expect(await names(prefixRange('entry/'))).toHaveLength(ROUNDS);
    expect(await names(prefixRange('instance/'))).toHaveLength(ROUNDS);
    // Most of them really met at the write; else this would prove little.
    expect(stores.reduce((sum, { attempts }) => sum + attempts, 0)).toBeGreaterThan(ROUNDS * 2);
  }, 120_000);

  it('add instances to one service at once: none that was acknowledged is lost', async () => {
    const [first] = admins;
    if (first === undefined) throw new Error('no admin');
    await publish(first, [spec('shared', '10.97.0.1:80', '')]);
    const done: string[] = [];
    const refused: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(
        admins.map(async (deps, index) => {
          const address = `10.1.${round}.${index + 1}:80`;
          const instances = [parseInstanceArgument(address)];
          await changeInstances(deps, { kind: 'add', service: 'shared', instances }).then(
            () => done.push(address),
            (error: unknown) => refused.push(exitCodeOf(error)),
          );
        }),
      );
    }
    const stored = await names(instancesOf('shared'));
    expect(stored).toEqual(done.map((address) => `instance/shared/${address}`).toSorted());
    expect(done.length).toBeGreaterThanOrEqual(10);
    expect(refused.every((code) => code === 75)).toBe(true);
  });

  it('publish 4,000 instances in one transaction', async () => {
    const [first] = admins;
    if (first === undefined) throw new Error('no admin');
    const many = Array.from({ length: 4_000 }, (_, index) => `10.2.${index >> 8}.${index & 255}:80`).join(
      ' ',
    );
    const report = await publish(first, [spec('big', '10.97.0.2:80', many)]);
    expect(report.error).toBeUndefined();
    const { items } = await first.store.list(instancesOf('big'));
    expect(items).toHaveLength(4_000);
    expect(items.every(({ modRevision }) => modRevision === report.revision)).toBe(true);
  });
});
