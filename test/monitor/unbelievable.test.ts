/** Tests that a whole leader holds, and never stops an instance, on samples and times that cannot be believed. */
import { describe, expect, it } from 'vitest';
import { encodeLoad } from '../../src/model/load.ts';
import { decodeService, encodeService } from '../../src/model/records-service.ts';
import { loadKey, serviceKey } from '../../src/store/keys.ts';
import { CPU_POLICY } from '../balance/scaled-service.ts';
import { template } from '../schedule/world.ts';
import { createMonitorWorld } from './world.ts';

const AT = '2026-01-01T00:00:00.000Z';
const REPLICAS = 4;
const DOWN_AFTER_SECONDS = 14;
const NODES = ['n1', 'n2'];
const HOUR_MS = 3_600_000;

type World = ReturnType<typeof createMonitorWorld>;
/** What a node writes at a second; undefined: nothing. */
type Sample = (node: string, second: number) => string | undefined;

/** Four ready instances on two nodes, and a leader. @param offMs how far the leader's wall clock is off now */
async function openWorld(offMs: () => number = () => 0) {
  const world = createMonitorWorld(NODES.length);
  await world.open();
  const scaling = { ...CPU_POLICY, min: 1, max: 10, downAfterSeconds: DOWN_AFTER_SECONDS };
  const value = encodeService({
    name: 'web',
    entries: [{ ip: '10.96.0.1', port: 80, protocol: 'tcp' }],
    origin: 'managed',
    masquerade: false,
    replicas: REPLICAS,
    template: template('t1'),
    policy: { scaling },
    createdAt: AT,
  });
  await world.write({ kind: 'put', key: serviceKey('web'), value });
  const clock = { ...world.clock, now: () => new Date(world.clock.now().getTime() + offMs()) };
  const monitor = world.start('n1', { clock });
  await world.live(15);
  return { world, monitor };
}

/** Samples every two seconds for a time. @returns the number that is wanted then */
async function sampled(world: World, sample: Sample, seconds: number): Promise<number> {
  for (let second = 0; second < seconds; second += 2) {
    for (const node of NODES) {
      const value = sample(node, second);
      if (value !== undefined) await world.write({ kind: 'put', key: loadKey(node), value });
    }
    await world.live(2);
  }
  const { item } = await world.store.get(serviceKey('web'));
  return item === undefined ? 0 : (decodeService('web', item.value).value.replicas ?? 0);
}

/** Instances of a node that use so much of what they may. */
async function using(world: World, cpu: number): Promise<(node: string, at: number) => string> {
  const all = await world.assigned();
  return (node, at) => {
    const own = all.filter((one) => one.node === node);
    const instances = Object.fromEntries(own.map(({ id }) => [`web/${id}`, { cpu, connections: 0 }]));
    return encodeLoad({ node, at, cores: 4, cpu, instances, newConnections: {} });
  };
}

describe('a leader', () => {
  it('stops instances for samples that say that they are idle, so that what follows means something', async () => {
    const { world, monitor } = await openWorld();
    const idle = await using(world, 0);
    expect(await sampled(world, (node, second) => idle(node, second), 3 * DOWN_AFTER_SECONDS)).toBeLessThan(
      REPLICAS,
    );
    await monitor.stop();
  });

  it.each<[string, (idle: (node: string, at: number) => string) => Sample]>([
    ['missing', () => () => undefined],
    ['stale: the same one again and again', (idle) => (node) => idle(node, 1)],
    ['no JSON: NaN', (idle) => (node, second) => idle(node, second).replaceAll('"cpu":0', '"cpu":NaN')],
    ['negative', (idle) => (node, second) => idle(node, second).replaceAll('"cpu":0', '"cpu":-1')],
    ['huge', (idle) => (node, second) => idle(node, second).replaceAll('"cpu":0', '"cpu":1e300')],
    ['of another node', (idle) => (node, second) => idle(node === 'n1' ? 'n2' : 'n1', second)],
    ['empty', () => () => ''],
  ])('keeps all instances while samples are %s', async (_what, made) => {
    const { world, monitor } = await openWorld();
    const sample = made(await using(world, 0));
    expect(await sampled(world, sample, 3 * DOWN_AFTER_SECONDS)).toBe(REPLICAS);
    expect((await world.assigned()).filter(({ stop }) => stop !== undefined)).toEqual([]);
    await monitor.stop();
  });

  it('keeps all instances while its clock and those of nodes jump by an hour, forth and back, and waits as long as ever after that', async () => {
    let offMs = 0;
    const { world, monitor } = await openWorld(() => offMs);
    const idle = await using(world, 0);
    const jumping: Sample = (node, second) => {
      offMs = [0, HOUR_MS, -HOUR_MS][(second / 2) % 3] ?? 0;
      return idle(node, 2 * HOUR_MS + second + offMs);
    };
    expect(await sampled(world, jumping, 2 * DOWN_AFTER_SECONDS)).toBe(REPLICAS);
    offMs = HOUR_MS;
    const steady: Sample = (node, second) => idle(node, 4 * HOUR_MS + second);
    expect(await sampled(world, steady, DOWN_AFTER_SECONDS - 6)).toBe(REPLICAS);
    expect(await sampled(world, steady, 2 * DOWN_AFTER_SECONDS)).toBeLessThan(REPLICAS);
    await monitor.stop();
  });
});
