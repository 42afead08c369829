import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { randomId, systemClock } from '../../src/host/clock.ts';
import { encodeService } from '../../src/model/records-service.ts';
import { decodeDecision } from '../../src/model/records-leader.ts';
import { monitorLoop } from '../../src/monitor/loop.ts';
import { decisionsOf, instancesOf, prefixRange, serviceKey } from '../../src/store/keys.ts';
import { silentLog } from '../harness/log.ts';
import {
  instanceBody,
  type RegistryServer,
  type RegistryWorld,
  startRegistryWorld,
} from './registry-world.ts';
import { eventually } from './store-world.ts';

const COUNT = 10;
const ids = Array.from({ length: COUNT }, (_, index) => `i-${index}`);
const LEASE = { renewalIntervalInSecs: 1, durationInSecs: 2 };

describe('silent registered instances, under a leader', () => {
  let world: RegistryWorld;
  let server: RegistryServer;
  let monitor: Promise<void>;
  const stop = new AbortController();
  const renewing = new Set(ids);

  beforeAll(async () => {
    world = await startRegistryWorld(1);
    const [first] = world.servers;
    if (first === undefined) throw new Error('a server');
    server = first;
    monitor = monitorLoop({
      node: 'n1',
      host: 'n1',
      pid: 1,
      mode: 'act',
      sample: () => ({ close: async () => Promise.resolve() }),
      readMetric: async () => Promise.resolve(1),
      openStore: () => Promise.resolve({ ...world.store, close: () => Promise.resolve() }),
      log: silentLog,
      clock: systemClock,
      random: Math.random,
      newId: randomId,
      signal: stop.signal,
    });
    const service = {
      name: 'web',
      entries: [{ ip: '10.96.0.10', port: 80, protocol: 'tcp' as const }],
      origin: 'registered' as const,
      registry: 'WEB',
      masquerade: false,
      createdAt: '2026-01-01T00:00:00Z',
    };
    await world.store.transact({
      compares: [],
      operations: [{ kind: 'put', key: serviceKey('web'), value: encodeService(service) }],
    });
    for (const [index, id] of ids.entries()) {
      const fields = { ipAddr: `10.0.1.${index + 1}`, leaseInfo: LEASE };
      await server.ask('POST', '/eureka/apps/WEB', { body: instanceBody('WEB', id, fields) });
    }
  }, 30_000);
  afterAll(async () => {
    stop.abort();
    await monitor;
    await world.close();
  });

  const beat = async (): Promise<void> => {
    for (const id of renewing) await server.ask('PUT', `/eureka/apps/WEB/${id}`);
  };
  const keys = async (prefix: string): Promise<readonly string[]> =>
    (await world.store.list(prefixRange(prefix))).items.map(({ key }) => key.slice(prefix.length));
  /** Waits while all that renew do so. */
  const meanwhile = (condition: () => Promise<void>): Promise<void> =>
    eventually(async () => {
      await beat();
      await condition();
    });

  it('removes one that is silent for as long as it promised, not before, and at once from the service', async () => {
    await meanwhile(async () => expect(await keys('instance/web/')).toHaveLength(COUNT));
    const begunMs = systemClock.monotonicMs();
    renewing.delete('i-3');
    await meanwhile(async () => expect(await keys('app/WEB/')).not.toContain('i-3'));
    expect(systemClock.monotonicMs() - begunMs).toBeGreaterThan(1_500);
    expect(await keys('instance/web/')).not.toContain('10.0.1.4:8080');
    expect(await keys('app/WEB/')).toHaveLength(COUNT - 1);
    const { items } = await world.store.list(prefixRange('audit/'));
    const records = items.map(({ value }): unknown => JSON.parse(value));
    expect(records).toContainEqual(
      expect.objectContaining({ actor: 'sluice monitor', subject: 'app/WEB/i-3', outcome: 'deleted' }),
    );
  });

  it('writes no mark while instances only renew', async () => {
    await beat();
    const before = await world.store.list(prefixRange('alive/'));
    for (let round = 0; round < 50; round += 1) await beat();
    expect((await world.store.list(prefixRange('alive/'))).items).toEqual(before.items);
  });

  it('removes none when too many fall silent together, says so, and goes on when they are back', async () => {
    for (const id of ['i-0', 'i-1', 'i-2', 'i-4']) renewing.delete(id);
    await meanwhile(async () => {
      const { items } = await world.store.list(prefixRange('alive/'));
      expect(items.filter(({ value }) => value.includes('silentSinceMs'))).toHaveLength(4);
    });
    await meanwhile(async () => {
      const { items } = await world.store.list(decisionsOf('web'));
      const said = items.map(({ key, value }) => {
        const at = key.slice('decision/web/'.length);
        return decodeDecision({ service: 'web', at }, value).value;
      });
      expect(said.map(({ what }) => what)).toContain('remove no silent instance');
    });
    // `status` reads it there.
    await meanwhile(async () => {
      const { item } = await world.store.get('leader');
      expect(item?.value).toContain('registered instances fell silent together');
    });
    expect(await keys('app/WEB/')).toHaveLength(COUNT - 1);
    expect((await world.store.list(instancesOf('web'))).items).toHaveLength(COUNT - 1);
    for (const id of ['i-0', 'i-1', 'i-2', 'i-4']) renewing.add(id);
    await meanwhile(async () => {
      const { items } = await world.store.list(prefixRange('alive/'));
      expect(items.filter(({ value }) => value.includes('silentSinceMs'))).toEqual([]);
    });
    expect(await keys('app/WEB/')).toHaveLength(COUNT - 1);
  });

  it('lets most of them leave by themselves without a protection', async () => {
    const leaving = ids.slice(4, 9);
    for (const id of leaving) {
      renewing.delete(id);
      await server.ask('DELETE', `/eureka/apps/WEB/${id}`);
    }
    await meanwhile(async () => {
      expect(await keys('app/WEB/')).toEqual(['i-0', 'i-1', 'i-2', 'i-9']);
      expect((await world.store.get('leader')).item?.value).not.toContain('protection');
    });
  });
});
