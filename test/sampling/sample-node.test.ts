import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../src/errors.ts';
import { type Sampled, sampleNode } from '../../src/sampling/sample-node.ts';
import { countedSoFar, createNodeWorld, type NodeWorld, statText } from './world.ts';

/** Samples once a beat. */
async function sampled({ deps, clock }: NodeWorld, beats: number, from?: Sampled): Promise<Sampled> {
  let last = await sampleNode(deps, from);
  for (let beat = 1; beat < beats; beat += 1) {
    await clock.advance(2_000);
    last = await sampleNode(deps, last);
  }
  return last;
}

describe('a sample of a node', () => {
  it('has everything from the second one on', async () => {
    const world = createNodeWorld();
    const first = await sampled(world, 1);
    world.texts.set('/proc/stat', statText(250, 150));
    world.answers.counted = async () => countedSoFar(6);
    await world.clock.advance(2_000);
    expect((await sampleNode(world.deps, first)).load).toEqual({
      node: 'n1',
      at: Date.parse('2026-01-01T00:00:02Z'),
      cores: 2,
      cpu: 0.75,
      load1: 0.5,
      memoryTotalBytes: 102_400,
      memoryUsedBytes: 40_960,
      instances: { 'web/10.0.0.1:80': { connections: 4, acceptQueue: 1 } },
      newConnections: { 'web/10.0.0.1:80': 3 },
      serviceConnections: { web: 3 },
    });
  });

  it('reads counters as seldom as they are long, and says over what time they are a mean', async () => {
    const world = createNodeWorld();
    let connections = 0;
    world.answers.counted = async () => {
      // Reading so much takes 75 ms of a processor, so one in 7.5 s is 1 %. How long it takes to come does not matter.
      const done = world.clock.sleep(400);
      await world.clock.advance(400);
      await done;
      return countedSoFar((connections += 16), 500_000);
    };
    const { load } = await sampled(world, 11);
    expect(world.asked.counts).toBe(3);
    expect(world.asked.sockets).toBe(11);
    expect(load.newConnectionsOverMs).toBeGreaterThan(7_000);
    expect(load.newConnections['web/10.0.0.1:80']).toBeCloseTo(16_000 / (load.newConnectionsOverMs ?? 1), 2);
  });

  it('goes on without what cannot be read, and says why', async () => {
    const world = createNodeWorld();
    world.answers.sockets = { why: 'perl cannot be run' };
    world.answers.counted = async () => {
      throw new SluiceError('permission', 'nft may not read the rules');
    };
    world.texts.delete('/proc/stat');
    const { load, problems } = await sampled(world, 3);
    expect(problems).toEqual([
      'connections: perl cannot be run',
      'counters of rules: nft may not read the rules',
      'processor times: /proc/stat cannot be read',
    ]);
    expect(load).toMatchObject({ cores: 2, memoryUsedBytes: 40_960, newConnections: {} });
    expect(load.instances).toEqual({ 'web/10.0.0.1:80': {} });
    expect(world.asked.counts).toBe(1);
  });

  it('tells nothing of the time before counters could be read again', async () => {
    const world = createNodeWorld();
    world.answers.counted = async () => countedSoFar(10);
    const before = await sampled(world, 2);
    world.answers.counted = async () => undefined;
    await world.clock.advance(2_000);
    const away = await sampled(world, 1, before);
    world.answers.counted = async () => countedSoFar(500);
    const after = await sampled(world, 7, away);
    expect(away.load.newConnections).toEqual({});
    expect(after.load.newConnections).toEqual({ 'web/10.0.0.1:80': 0 });
  });

  it('does not wait for counters that hang, and tells them with the sample after they came', async () => {
    const world = createNodeWorld();
    const before = await sampled(world, 2);
    const answer = new AbortController();
    world.answers.counted = async () => {
      await world.clock.sleep(60_000, answer.signal);
      return countedSoFar(30);
    };
    await world.clock.advance(2_000);
    const next = async (last: Sampled, ms = 1_500): Promise<Sampled> => {
      const sampling = sampleNode(world.deps, last);
      await world.clock.advance(ms);
      return sampling;
    };
    const hanging = await next(await next(before));
    expect(hanging.load.newConnections).toEqual({});
    expect(hanging.load.instances).toEqual({ 'web/10.0.0.1:80': { connections: 4, acceptQueue: 1 } });
    answer.abort();
    const after = await next(hanging, 0);
    // Counted from when the two looks began, 2 s apart.
    expect(after.load.newConnections).toEqual({ 'web/10.0.0.1:80': 15 });
    expect(world.asked.counts).toBe(3);
  });

  it('has no instances and asks for no sockets before services are known', async () => {
    const world = createNodeWorld();
    world.answers.snapshot = undefined;
    const { load } = await sampled(world, 2);
    expect(load).toMatchObject({ instances: {}, newConnections: {} });
    expect(world.asked).toMatchObject({ counts: 0, sockets: 0 });
  });
});
