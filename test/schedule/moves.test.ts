import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Move, type MovesInput, planMoves } from '../../src/schedule/moves.ts';
import { template, World } from './world.ts';

const LATER = '2026-01-01T01:00:00.000Z';

function movesIn(world: World, more: Partial<MovesInput> = {}): ReturnType<typeof planMoves> {
  return planMoves({
    view: world.view(),
    now: { ms: world.ms, at: LATER },
    services: undefined,
    use: undefined,
    maxMoves: 2,
    minGain: 0.1,
    minAgeMs: 600_000,
    restless: new Map(),
    ...more,
  });
}

/** A cluster of so many nodes of which the last ones come when all instances are there. */
function grown(services: Readonly<Record<string, number>>, { first = 2, late = 1, cpus = 4 } = {}): World {
  const world = new World();
  for (let i = 1; i <= first; i += 1) world.node(`n${i}`, { cpus });
  for (const [name, replicas] of Object.entries(services)) world.publish(name, replicas, template(name));
  world.settle();
  for (let i = first + 1; i <= first + late; i += 1) world.node(`n${i}`, { cpus });
  return world;
}

/** Uses that a test sets, of 4 cores each. */
function used(world: World, nodes: Readonly<Record<string, number>>, cores: number): MovesInput['use'] {
  const all = [...world.assignments.values()].map(({ value }): [string, number] => [
    `${value.service}/${value.id}`,
    cores,
  ]);
  return { nodes: new Map(Object.entries(nodes)), instances: new Map(all) };
}

/** As the leader does on an order to drain: another first, then this one away. */
function carryOut(world: World, { service, id }: Move): void {
  const found = world.of(service).find(({ assignment }) => assignment.id === id);
  if (found === undefined) throw new Error(`${service} has no ${id}`);
  world.say(found.assignment, found.state, { drain: { since: LATER, by: 'ann@pc' } });
  world.settle();
}

describe('moves of a rebalance', () => {
  it('take a service off a node that has two more than a new one, one at a time', () => {
    const world = grown({ web: 6 });
    expect(world.nodesOf('web')).toEqual(['n1', 'n1', 'n1', 'n2', 'n2', 'n2']);
    const { moves, leftAlone } = movesIn(world, { maxMoves: 9 });
    expect(leftAlone).toEqual([]);
    expect(moves).toEqual([
      expect.objectContaining({
        service: 'web',
        to: 'n3',
        reason: 'spread',
        why: expect.stringMatching(/^node\/n[12] has 3 of web, node\/n3 0$/),
      }),
    ]);
  });

  it('are what the leader then does, until nothing is left to do', () => {
    const world = grown({ api: 4, web: 5 }, { late: 2 });
    let runs = 0;
    for (; runs < 10; runs += 1) {
      const [move] = movesIn(world).moves;
      if (move === undefined) break;
      const before = world.nodesOf(move.service);
      carryOut(world, move);
      const after = world.nodesOf(move.service);
      expect(after.filter((node) => node === move.to)).toHaveLength(
        before.filter((node) => node === move.to).length + 1,
      );
      expect(after).toHaveLength(before.length);
    }
    expect(runs).toBeGreaterThan(2);
    expect(runs).toBeLessThan(10);
    for (const service of ['api', 'web']) {
      const counts = ['n1', 'n2', 'n3', 'n4'].map(
        (node) => world.nodesOf(service).filter((one) => one === node).length,
      );
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }
  });

  it('keep to the budget of the whole run', () => {
    const world = grown({ a: 4, b: 4, c: 4 });
    expect(movesIn(world).moves).toHaveLength(2);
    expect(movesIn(world, { maxMoves: 1 }).moves).toHaveLength(1);
    expect(movesIn(world, { maxMoves: 0 }).moves).toEqual([]);
  });

  it('follow what was measured: off the busy node, by what the instance takes there', () => {
    const world = grown({ a: 2, b: 2 }, { late: 0 });
    const at = (service: string, node: string) =>
      world.of(service).find(({ assignment }) => assignment.node === node)?.assignment.id;
    const use = used(world, { n1: 0.9, n2: 0.2 }, 1);
    // One of each on either node: no spread to better, and a second one of a service would spoil it.
    expect(movesIn(world, { use }).moves).toEqual([]);
    world.publish('c', 1, template('c'));
    world.settle();
    const [only] = world.nodesOf('c');
    const hot = { n1: only === 'n1' ? 0.9 : 0.2, n2: only === 'n1' ? 0.2 : 0.9 };
    const { moves } = movesIn(world, { use: used(world, hot, 1) });
    expect(moves).toEqual([
      expect.objectContaining({
        service: 'c',
        id: at('c', only ?? ''),
        from: only,
        reason: 'load',
        why: `node/${only} uses 90%, node/${only === 'n1' ? 'n2' : 'n1'} uses 20%`,
      }),
    ]);
    expect(moves[0]?.gain).toBeCloseTo(0.25 / 0.9);
  });

  it('are not made for noise, for too small a gain, or without knowing what the instance takes', () => {
    const world = grown({ a: 1 }, { first: 1 });
    const gains = (use: MovesInput['use'], minGain = 0.1) => movesIn(world, { use, minGain }).moves.length;
    expect(gains(used(world, { n1: 0.9, n2: 0.2 }, 1))).toBe(1);
    expect(gains(used(world, { n1: 0.9, n2: 0.2 }, 1), 0.3)).toBe(0);
    expect(gains(used(world, { n1: 0.04, n2: 0 }, 0.1))).toBe(0);
    expect(
      gains({
        nodes: new Map([
          ['n1', 0.9],
          ['n2', 0.2],
        ]),
        instances: new Map(),
      }),
    ).toBe(0);
  });

  it.each([
    ['a younger instance', (world: World) => world, { minAgeMs: 3_600_001 }, / was started 1h ago$/],
    [
      'an instance that is not ready',
      (world: World) => {
        const [one] = world.of('web');
        if (one !== undefined) world.say(one.assignment, 'failed');
        return world;
      },
      {},
      / is not ready \(failed\)$/,
    ],
    [
      'another number than wanted',
      (world: World) => {
        world.publish('web', 7, template('web'));
        return world;
      },
      {},
      /^6 of 7 instances are there$/,
    ],
    [
      'a roll-out',
      (world: World) => {
        world.publish('web', 6, template('other'));
        return world;
      },
      {},
      / is being replaced or stopped$/,
    ],
    [
      'a number that just changed',
      (world: World) => world,
      { restless: new Map([['web', 'just so']]) },
      /^just so$/,
    ],
  ])('leave a service alone that has %s', (_, change, more, why) => {
    const { moves, leftAlone } = movesIn(change(grown({ web: 6 })), more);
    expect(moves).toEqual([]);
    expect(leftAlone).toEqual([{ service: 'web', why: expect.stringMatching(why) }]);
  });

  it('never make a service less even nor the fuller node fuller, seeded', () => {
    const services = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 1, max: 7 }));
    fc.assert(
      fc.property(
        services,
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 0, max: 3 }),
        (wanted, first, late) => {
          const world = grown(wanted, { first, late });
          for (const move of movesIn(world, { maxMoves: 5 }).moves) {
            const nodes = world.nodesOf(move.service);
            const on = (node: string): number => nodes.filter((one) => one === node).length;
            expect(on(move.from)).toBeGreaterThan(on(move.to));
            expect(move.reason === 'spread' || move.gain > 0.1).toBe(true);
          }
        },
      ),
      { seed: 5, numRuns: 40 },
    );
  });
});
