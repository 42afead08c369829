import { describe, expect, it } from 'vitest';
import { encodeLoad } from '../../src/model/load.ts';
import { encodeService, decodeService } from '../../src/model/records-service.ts';
import { decodeScalingState, encodeScalingState } from '../../src/model/records-scaling.ts';
import { demandKey, DEMANDS, loadKey, serviceKey } from '../../src/store/keys.ts';
import { readLeader } from '../../src/ops/leader.ts';
import { template } from '../schedule/world.ts';
import { createMonitorWorld } from './world.ts';

const DOWN_AFTER = 60;
const POLICY = {
  scaling: {
    min: 1,
    max: 10,
    metrics: [{ kind: 'cpu', name: 'cpu', target: 0.7 }],
    mode: 'act',
    downAfterSeconds: DOWN_AFTER,
    cooldownUpSeconds: 0,
    cooldownDownSeconds: 0,
  },
} as const;

/** Four instances of which each uses so much, sampled every two seconds, and two monitors. */
async function scaled() {
  const world = createMonitorWorld(2);
  await world.open();
  const createdAt = '2026-01-01T00:00:00.000Z';
  const entries = [{ ip: '10.96.0.1', port: 80, protocol: 'tcp' }] as const;
  const rest = { masquerade: false, createdAt, template: template('one'), policy: POLICY } as const;
  const value = encodeService({ name: 'web', origin: 'managed', entries, replicas: 4, ...rest });
  await world.write({ kind: 'put', key: serviceKey('web'), value });
  const replicas = async (): Promise<number> => {
    const { item } = await world.store.get(serviceKey('web'));
    return decodeService('web', item?.value ?? '').value.replicas ?? 0;
  };
  const sample = async (cpu: number): Promise<void> => {
    const on = await world.assigned();
    for (const node of ['n1', 'n2']) {
      const own = on.filter((one) => one.node === node).map(({ id }) => [`web/${id}`, { cpu }] as const);
      const at = world.clock.now().getTime();
      const load = { node, at, cores: 4, cpu, instances: Object.fromEntries(own), newConnections: {} };
      await world.write({ kind: 'put', key: loadKey(node), value: encodeLoad(load) });
    }
  };
  /** Lives for so long. @returns after how many seconds there were fewer; undefined: never */
  const live = async (seconds: number, cpu: number): Promise<number | undefined> => {
    let fewer: number | undefined;
    for (let second = 0; second < seconds; second += 2) {
      await sample(cpu);
      // Agents have nothing to do once the first instances are ready.
      if ((await world.assigned()).length < 4 || second < 4) await world.live(2);
      else await world.clock.advance(2_000);
      if (fewer === undefined && (await replicas()) < 4) fewer = second + 2;
    }
    return fewer;
  };
  return { world, live, replicas };
}

describe('what a leader remembers of the demand', () => {
  it('lets the next leader make a service smaller when this one would have', async () => {
    const alone = await scaled();
    const only = alone.world.start('n1');
    expect(await alone.live(70, 0.6)).toBeUndefined();
    const after = (await alone.live(200, 0.1)) ?? 0;
    expect(after).toBeGreaterThan(DOWN_AFTER);
    await only.stop();

    const { world, live } = await scaled();
    const [first, second] = [world.start('n1'), world.start('n2')];
    await live(70, 0.6);
    const calm = after - 20;
    expect(await live(calm, 0.1)).toBeUndefined();
    await first.stop();
    const fewer = await live(100, 0.1);
    expect((await readLeader(world.store))?.node).toBe('n2');
    expect(calm + (fewer ?? 0)).toBeGreaterThanOrEqual(after - 2);
    expect(calm + (fewer ?? 0)).toBeLessThanOrEqual(after + 12);
    await second.stop();
  });

  it.each([
    ['cannot be read', () => '{"ms":', /cannot be read|JSON/],
    [
      'is from the future',
      (json: string) => {
        const { value } = decodeScalingState('demand/web', json);
        return encodeScalingState({ ...value, reversals: [value.ms + 3_600_000] });
      },
      /times after it was written/,
    ],
  ])('is ignored, with a word, where it %s: fewer wait the whole time', async (_, spoil, said) => {
    const { world, live } = await scaled();
    const [first, second] = [world.start('n1'), world.start('n2')];
    await live(70, 0.6);
    expect(await live(50, 0.1)).toBeUndefined();
    const { item } = await world.store.get(demandKey('web'));
    await world.write({ kind: 'put', key: demandKey('web'), value: spoil(item?.value ?? '') });
    await first.stop();
    const fewer = await live(100, 0.1);
    expect(fewer).toBeGreaterThanOrEqual(DOWN_AFTER);
    const told = second.lines.filter((line) => line.includes('what the leader before remembered is ignored'));
    expect(told).toEqual([expect.stringMatching(said)]);
    await second.stop();
  });

  it('is written seldom while the load is even, at once when more are wanted, and goes some time after its leader', async () => {
    const { world, live, replicas } = await scaled();
    const monitor = world.start('n1');
    await live(70, 0.5);
    const version = async () => (await world.store.get(demandKey('web'))).item?.version ?? 0;
    const before = await version();
    await live(120, 0.5);
    expect((await version()) - before).toBeLessThanOrEqual(1);
    await live(10, 0.95);
    expect(await version()).toBeGreaterThan(before);
    expect(await replicas()).toBeGreaterThan(4);
    await monitor.stop();
    expect(world.count(DEMANDS)).toBe(1);
    await world.clock.advance(32_000);
    expect(world.count(DEMANDS)).toBe(0);
  });
});
