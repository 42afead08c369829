import { describe, expect, it } from 'vitest';
import { storeCameBack } from '../../src/schedule/memory.ts';
import type { Step } from '../../src/schedule/step.ts';
import { template, World } from './world.ts';

const GOOD = template('one');
const BETTER = template('two');
const BAD = template('bad');
const isWell = ({
  template: { command },
}: {
  readonly template: { readonly command: readonly string[] };
}): boolean => command[1] !== 'bad';

function worldOf(nodes: number): World {
  const world = new World();
  for (let i = 1; i <= nodes; i += 1) world.node(`n${i}`);
  return world;
}

const states = (world: World, service = 'web'): readonly string[] =>
  world
    .of(service)
    .map(({ state }) => state)
    .toSorted();
const notices = (steps: readonly Step[]): readonly string[] =>
  steps.flatMap((step) => step.notices.map(({ what, why }) => `${what}: ${why}`));
const words = (world: World): readonly string[] =>
  world
    .of('web')
    .map(({ assignment }) => assignment.template.command[1] ?? '')
    .toSorted();

describe('a service', () => {
  it('gets as many instances as are wanted, evenly over the nodes', () => {
    const world = worldOf(3);
    world.publish('web', 6, GOOD);
    world.tick();
    expect(world.nodesOf('web')).toEqual(['n1', 'n1', 'n2', 'n2', 'n3', 'n3']);
    world.settle();
    expect(states(world)).toEqual(Array(6).fill('ready'));
    expect(world.plan()).toEqual([]);
  });

  it('is left alone without a template', () => {
    const world = worldOf(1);
    world.publish('web', 1, GOOD);
    const stored = world.services.get('web');
    if (stored === undefined) throw new Error('published');
    const { template: _, replicas: __, ...rest } = stored.value;
    world.services.set('web', { ...stored, value: { ...rest, origin: 'static' } });
    expect(world.plan()).toEqual([]);
  });

  it('loses its instances without haste when it is scaled in, and all of them when it is gone', () => {
    const world = worldOf(3);
    world.publish('web', 6, GOOD);
    world.settle();
    world.publish('web', 2, GOOD);
    world.tick();
    expect(world.nodesOf('web')).toHaveLength(2);
    world.settle();
    expect(states(world)).toEqual(['ready', 'ready']);
    world.unpublish('web');
    world.settle();
    expect({ assignments: world.assignments.size, instances: world.instances.size }).toEqual({
      assignments: 0,
      instances: 0,
    });
  });

  it('gives up what is not ready before what is', () => {
    const world = worldOf(3);
    world.publish('web', 2, GOOD);
    world.settle();
    const ready = world.of('web').map(({ assignment }) => assignment.id);
    world.publish('web', 5, GOOD);
    world.tick();
    world.publish('web', 2, GOOD);
    world.settle();
    expect(world.of('web').map(({ assignment }) => assignment.id)).toEqual(ready);
  });
});

describe('placement', () => {
  it('passes over nodes that cannot take it and says why of each', () => {
    const world = worldOf(1);
    world.node('cordoned', { cordoned: true });
    world.node('drained', { drain: { since: 'x', by: 'anna' } });
    world.node('mute', { drivers: undefined });
    world.node('other', { drivers: ['podman'] });
    world.node('plain', { labels: { zone: 'b' } });
    world.node('silent');
    world.silence('silent');
    world.publish('web', 1, template('x', { nodeSelector: { zone: 'a' } }));
    expect(notices(world.tick())).toEqual([
      'start 1 more: no node can take it (cordoned: cordoned, drained: drained, mute: no driver process, n1: no label zone=a, ' +
        'other: no driver process, plain: no label zone=a, silent: silent)',
    ]);
    world.node('n1', { labels: { zone: 'a' } });
    world.tick();
    expect(world.nodesOf('web')).toEqual(['n1']);
  });

  it('takes no more than there are ports on a node', () => {
    const world = worldOf(1);
    world.publish('web', 3, template('x', { ports: { from: 7000, to: 7001 } }));
    expect(notices(world.tick())).toEqual([
      'start 1 more: no node can take it (n1: no port left of 7000-7001)',
    ]);
    expect(world.nodesOf('web')).toEqual(['n1', 'n1']);
  });

  it('prefers larger nodes between services, and keeps each service even', () => {
    const world = new World();
    world.node('small', { cpus: 2 });
    world.node('large', { cpus: 16 });
    for (let i = 0; i < 8; i += 1) world.publish(`s${i}`, 1, GOOD);
    world.publish('pair', 2, GOOD);
    world.settle();
    expect(world.nodesOf('pair')).toEqual(['large', 'small']);
    const small = Array.from({ length: 8 }, (_, i) => world.nodesOf(`s${i}`)).filter(
      ([node]) => node === 'small',
    );
    expect(small.length).toBeLessThanOrEqual(1);
  });

  it('goes by the load where it is known', () => {
    const world = worldOf(2);
    world.publish('web', 1, GOOD);
    const view = world.view();
    const load = new Map([
      ['n1', 0.9],
      ['n2', 0.1],
    ]);
    expect(world.plan(view)[0]?.actions[0]).toMatchObject({ assignment: { node: 'n1' } });
    expect(world.planWith(view, load)[0]?.actions[0]).toMatchObject({ assignment: { node: 'n2' } });
  });
});

describe('an instance that its node cannot run', () => {
  it('is replaced on another node, and the place where it failed is left alone for a while', () => {
    const world = worldOf(3);
    world.publish('web', 2, GOOD);
    world.settle(({ node }) => node !== 'n1');
    expect(world.nodesOf('web')).toEqual(['n2', 'n3']);
    expect(states(world)).toEqual(['ready', 'ready']);
  });

  it('is not started over and over where it fails everywhere', () => {
    const world = worldOf(3);
    world.publish('web', 2, BAD);
    for (let second = 0; second < 600; second += 1) {
      world.tick(1_000);
      world.agents(isWell);
    }
    expect(world.placed.length).toBeLessThan(30);
    expect(
      world.of('web').filter(({ assignment }) => assignment.stop === undefined).length,
    ).toBeLessThanOrEqual(3);
    expect(notices(world.plan()).join()).toContain('it failed there');
  });

  it('may say "failed" for a moment', () => {
    const world = worldOf(2);
    world.publish('web', 1, GOOD);
    world.settle();
    const [one] = world.of('web');
    if (one === undefined) throw new Error('placed');
    world.say(one.assignment, 'failed', { why: 'exit code 1' });
    for (let look = 0; look < 2; look += 1) {
      expect(world.tick(3_000).flatMap(({ actions }) => actions)).toEqual([]);
    }
    expect(world.tick(3_000).flatMap(({ actions }) => actions.map(({ why }) => why))).toEqual([
      '0 of 1 instances',
      'failed: exit code 1',
    ]);
  });
});

describe('a roll-out', () => {
  it('replaces one at a time, the new one ready before the old one goes', () => {
    const world = worldOf(3);
    world.publish('web', 3, GOOD);
    world.settle();
    world.publish('web', 3, BETTER);
    for (let round = 0; round < 60; round += 1) {
      world.tick(1_000);
      const staying = world.of('web').filter(({ assignment }) => assignment.stop === undefined);
      expect(staying.length).toBeLessThanOrEqual(4);
      expect(staying.filter(({ state }) => state === 'ready').length).toBeGreaterThanOrEqual(3);
      world.agents();
    }
    expect(words(world)).toEqual(['two', 'two', 'two']);
    expect(world.nodesOf('web')).toEqual(['n1', 'n2', 'n3']);
  });

  it('halts when a new one is not well and says so; a good template goes on', () => {
    const world = worldOf(3);
    world.publish('web', 3, GOOD);
    world.settle();
    world.publish('web', 3, BAD);
    world.settle(isWell);
    expect(words(world)).toEqual(['bad', 'one', 'one', 'one']);
    expect(states(world)).toEqual(['crashloop', 'ready', 'ready', 'ready']);
    expect(notices(world.plan())).toEqual([
      expect.stringMatching(/^replace nothing more: i\d+ on n\d: crashloop$/),
    ]);
    world.publish('web', 3, BETTER);
    world.settle(isWell);
    expect(words(world)).toEqual(['two', 'two', 'two']);
  });

  it('halts when a new one is not ready in time', () => {
    const world = worldOf(2);
    world.publish('web', 1, GOOD);
    world.settle();
    world.publish('web', 1, BETTER);
    const old = world.of('web')[0]?.assignment.id;
    world.tick();
    for (let second = 0; second < 44; second += 1) world.tick(1_000);
    expect(notices(world.plan())).toEqual([]);
    for (let second = 0; second < 5; second += 1) world.tick(1_000);
    expect(notices(world.plan()).join()).toContain('not ready 45 s after its start (pending)');
    expect(world.of('web').find(({ assignment }) => assignment.id === old)?.state).toBe('ready');
  });

  it('starts what is missing as the serving ones are while it is halted', () => {
    const world = worldOf(4);
    world.publish('web', 3, GOOD);
    world.settle();
    world.publish('web', 3, BAD);
    world.settle(isWell);
    world.publish('web', 4, BAD);
    world.settle(isWell);
    expect(words(world)).toEqual(['bad', 'one', 'one', 'one', 'one']);
  });
});

describe('what people take out', () => {
  it('is a node: each instance has a replacement that is ready before it goes', () => {
    const world = worldOf(3);
    world.publish('web', 3, GOOD);
    world.settle();
    world.node('n2', { drain: { since: 'x', by: 'anna', deadlineSeconds: 7 } });
    world.tick();
    world.agents();
    world.agents();
    const [step] = world.tick();
    expect(step?.actions).toMatchObject([
      {
        kind: 'stop',
        assignment: { node: 'n2', stop: { reason: 'node/n2 drained by anna', drainSeconds: 7 } },
      },
    ]);
    world.settle();
    expect(world.nodesOf('web')).not.toContain('n2');
    expect(states(world)).toEqual(['ready', 'ready', 'ready']);
  });

  it('is a node, and nothing can take its place: it serves on and the decision says why', () => {
    const world = worldOf(1);
    world.publish('web', 1, GOOD);
    world.settle();
    world.node('n1', { drain: { since: 'x', by: 'anna' } });
    expect(notices(world.tick())).toEqual([
      expect.stringMatching(/^replace i\d+: no node can take it \(n1: drained\)$/),
    ]);
    expect(states(world)).toEqual(['ready']);
  });

  it('is one instance: another is ready first, then it is stopped', () => {
    const world = worldOf(2);
    world.publish('web', 1, GOOD);
    world.settle();
    const [one] = world.of('web');
    if (one === undefined) throw new Error('placed');
    world.say(one.assignment, 'ready', {
      drain: { since: 'x', by: 'anna', reason: 'disk', deadlineSeconds: 7 },
    });
    expect(world.tick()[0]?.actions).toMatchObject([
      { kind: 'place', why: `${one.assignment.id} drained by anna: disk` },
    ]);
    expect(world.tick()).toEqual([]);
    world.agents(() => true);
    world.agents(() => true);
    expect(world.tick()[0]?.actions).toMatchObject([
      {
        kind: 'stop',
        assignment: {
          id: one.assignment.id,
          stop: { reason: `${one.assignment.id} drained by anna: disk`, drainSeconds: 7 },
        },
      },
    ]);
  });

  it('is one instance, restored in time: the one that was started in its place goes', () => {
    const world = worldOf(2);
    world.publish('web', 1, GOOD);
    world.settle();
    const [one] = world.of('web');
    if (one === undefined) throw new Error('placed');
    world.say(one.assignment, 'ready', { drain: { since: 'x', by: 'anna' } });
    world.tick();
    world.say(one.assignment, 'ready', { drain: undefined });
    world.settle();
    expect(world.of('web').map(({ assignment }) => assignment.id)).toEqual([one.assignment.id]);
  });

  it('is a node, by force: what it runs is stopped at once, and started elsewhere', () => {
    const world = worldOf(2);
    world.publish('web', 1, GOOD);
    world.settle();
    const [one] = world.of('web');
    if (one === undefined) throw new Error('placed');
    world.annotate(one.assignment.node, { drain: { since: 'x', by: 'anna', force: true } });
    expect(world.tick()[0]?.actions.map(({ kind }) => kind)).toEqual(['place', 'stop']);
    world.settle();
    expect(states(world)).toEqual(['ready']);
  });

  it('is one instance, by force: another is started at once', () => {
    const world = worldOf(2);
    world.publish('web', 1, GOOD);
    world.settle();
    const [one] = world.of('web');
    if (one === undefined) throw new Error('placed');
    world.say(one.assignment, 'ready', { drain: { since: 'x', by: 'anna', force: true } });
    expect(world.tick()[0]?.actions).toMatchObject([{ kind: 'place' }]);
    world.settle();
    expect(world.of('web').map(({ assignment }) => assignment.id)).not.toContain(one.assignment.id);
    expect(states(world)).toEqual(['ready']);
  });
});

describe('silent nodes', () => {
  it('lose their instances after a minute, not before', () => {
    const world = worldOf(4);
    world.publish('web', 2, GOOD);
    world.settle();
    world.silence('n1');
    for (let second = 0; second < 60; second += 1) expect(world.tick(1_000)).toEqual([]);
    const [step] = world.tick(1_000);
    expect(step?.actions.map(({ kind, what }) => `${kind} ${what.replace(/i\d+/, 'X')}`)).toEqual([
      'remove remove X of n1',
      'place start X on n3',
    ]);
    expect(step?.basis).toContainEqual({ kind: 'node-alive', node: 'n1', modRevision: 0 });
  });

  it('keep the last instance of a service in the rules until another is ready', () => {
    const world = worldOf(3);
    world.publish('web', 1, GOOD);
    world.settle();
    world.silence('n1');
    world.tick();
    expect(world.tick(61_000)[0]?.actions.map(({ kind }) => kind)).toEqual(['place']);
    expect(world.instances.size).toBe(1);
    world.settle();
    expect(world.nodesOf('web')).toEqual(['n2']);
  });

  it('lose nothing when too many fall silent together, until most are back or people say that they are gone', () => {
    const world = worldOf(5);
    world.publish('web', 5, GOOD);
    world.settle();
    world.silence('n1');
    world.tick(20_000);
    world.silence('n2');
    const saying = world.tick(1_000).concat(world.tick(3_600_000));
    expect(saying.flatMap(({ actions }) => actions)).toEqual([]);
    expect(notices(saying).at(-1)).toBe(
      'replace nothing that is silent: 2 of 5 nodes fell silent together (n1, n2): 2 are too many to believe; this ends with ' +
        'fewer than 2 of them silent; or those that are gone for good cordoned or drained',
    );
    world.node('n1', { cordoned: true });
    world.silence('n1');
    expect(world.tick().flatMap(({ actions }) => actions)).not.toEqual([]);
  });

  it('of two nodes keep what they run until the other has found them out of reach', () => {
    const world = worldOf(2);
    world.publish('web', 2, GOOD);
    world.settle();
    world.silence('n2');
    world.tick();
    const saying = world.tick(3_600_000);
    expect(saying.flatMap(({ actions }) => actions)).toEqual([]);
    expect(notices(saying).join()).toContain(
      'keep what runs on n2: with two nodes silence alone does not tell',
    );
    world.reaches.set('n1', { n2: false });
    expect(world.tick(1_000)[0]?.actions.map(({ kind }) => kind)).toEqual(['remove', 'place']);
  });

  it('keep for ten minutes what they run while their machines answer others', () => {
    const world = worldOf(4);
    world.publish('web', 4, GOOD);
    world.settle();
    world.reaches.set('n1', { n2: true });
    world.silence('n2');
    world.tick();
    const saying = world.tick(599_000);
    expect(saying.flatMap(({ actions }) => actions)).toEqual([]);
    expect(notices(saying).join()).toContain('its agent is silent but its machine answers');
    expect(world.tick(1_000)[0]?.actions.map(({ kind }) => kind)).toEqual(['remove', 'place']);
  });

  it('are lost one by one when they fall silent one by one', () => {
    const world = worldOf(5);
    world.publish('web', 5, GOOD);
    world.settle();
    for (const name of ['n1', 'n2', 'n3']) {
      world.silence(name);
      for (let second = 0; second < 130; second += 1) {
        world.tick(1_000);
        world.agents();
      }
      expect(world.nodesOf('web')).not.toContain(name);
    }
    expect(states(world)).toEqual(Array(5).fill('ready'));
  });

  it('lose nothing just after the leader itself had lost the store', () => {
    const world = worldOf(4);
    world.publish('web', 2, GOOD);
    world.settle();
    world.silence('n1');
    for (let second = 0; second < 59; second += 1) world.tick(1_000);
    world.memory = storeCameBack(world.memory, world.ms);
    world.tick(5_000);
    expect(notices(world.plan()).join()).toContain('had lost the store a moment ago');
    expect(world.tick(26_000)[0]?.actions.map(({ kind }) => kind)).toEqual(['remove', 'place']);
  });

  it('do not count when they were gone with nothing on them before the leader began to watch', () => {
    const world = worldOf(4);
    for (const name of ['g1', 'g2', 'g3']) {
      world.node(name);
      world.silence(name);
    }
    world.publish('web', 2, GOOD);
    world.settle();
    world.silence('n1');
    world.tick();
    expect(world.tick(61_000)[0]?.actions.map(({ kind }) => kind)).toEqual(['remove', 'place']);
  });
});

it('nothing is decided about a service whose records cannot be read', () => {
  const world = worldOf(2);
  world.publish('web', 2, GOOD);
  const view = { ...world.view(), unreadable: new Map([['web', 'stored "service/web": bad']]) };
  expect(world.plan(view)).toEqual([
    {
      service: 'web',
      topic: 'instances',
      actions: [],
      basis: [],
      notices: [{ what: 'decide nothing', why: 'stored "service/web": bad' }],
    },
  ]);
});
