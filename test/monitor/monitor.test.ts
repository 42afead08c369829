import { describe, expect, it } from 'vitest';
import type { Round } from '../../src/monitor/meter.ts';
import { readLeader } from '../../src/ops/leader.ts';
import { LEADER_KEY, nodeAliveKey } from '../../src/store/keys.ts';
import type { MemoryCall, MemoryFault } from '../../src/store/memory/memory.ts';
import { template } from '../schedule/world.ts';
import { createMonitorWorld } from './world.ts';

describe('a monitor', () => {
  it('leads, brings a service up, records why, and then writes nothing any more', async () => {
    const world = createMonitorWorld();
    await world.open();
    await world.publish('web', 2, template('one'));
    const monitor = world.start('n1');
    await world.live(5);
    expect([...(await world.states('web')).values()]).toEqual(['ready', 'ready']);
    expect(await world.decisions('web')).toEqual([
      'done: start X on n1: 0 of 2 instances',
      'done: start X on n2: 1 of 2 instances',
    ]);
    expect(await readLeader(world.store)).toMatchObject({ node: 'n1', pid: 1 });
    const head = world.backend.history.head();
    await world.clock.advance(30_000);
    expect(world.backend.history.head()).toBe(head);
    await monitor.stop();
    expect(await readLeader(world.store)).toBeUndefined();
  });

  it('tells whoever watches its figures whether it leads and what it decided', async () => {
    const world = createMonitorWorld();
    await world.open();
    await world.publish('web', 2, template('one'));
    const rounds: Round[] = [];
    const monitor = world.start('n1', { meter: { looked: (round) => rounds.push(round) } });
    await world.live(5);
    expect(rounds.at(-1)).toMatchObject({ leads: true, connected: true, decisions: [] });
    expect(rounds.flatMap(({ decisions }) => decisions).filter(({ done }) => done).length).toBe(2);
    await monitor.stop();
  });

  it('removes what has stopped, without a record for it', async () => {
    const world = createMonitorWorld();
    await world.open();
    await world.publish('web', 3, template('one'));
    const monitor = world.start('n1');
    await world.live(5);
    await world.publish('web', 1, template('one'));
    await world.live(6);
    expect([...(await world.states('web')).values()]).toEqual(['ready']);
    expect(await world.assigned()).toHaveLength(1);
    expect((await world.decisions('web')).slice(3)).toEqual([
      'done: stop X on n3: 1 is wanted',
      'done: stop X on n2: 1 is wanted',
    ]);
    await monitor.stop();
  });

  it('removes what has stopped without an assignment, and goes on at once', async () => {
    const world = createMonitorWorld();
    await world.open();
    await world.publish('web', 1, template('one'));
    const monitor = world.start('n1');
    await world.live(5);
    const [one] = await world.assigned();
    if (one === undefined) throw new Error('assigned');
    await world.say({ ...one, id: 'orphan' }, 'stopped');
    await world.clock.advance(1_000);
    expect((await world.states('web')).has('orphan')).toBe(false);
    await world.publish('web', 2, template('one'));
    await world.clock.advance(1_000);
    expect(await world.assigned()).toHaveLength(2);
    await monitor.stop();
  });

  it('says once that something wanted cannot be done, and again only when that has changed', async () => {
    const world = createMonitorWorld(0);
    await world.publish('web', 1, template('one'));
    const monitor = world.start('n1');
    await world.live(10);
    const nowhere = 'not: start 1 more: there is no node';
    expect(await world.decisions('web')).toEqual([nowhere]);
    await monitor.stop();
    // Another leader knows what was said.
    const second = world.start('n2');
    await world.live(5);
    expect(await world.decisions('web')).toEqual([nowhere]);
    await world.node('n1');
    await world.live(5);
    await world.publish('web', 2, template('one', { ports: { from: 7, to: 7 } }));
    await world.live(5);
    expect(await world.decisions('web')).toEqual([
      nowhere,
      'done: start X on n1: 0 of 1 instances',
      'not: start 1 more: no node can take it (n1: no port left of 7-7)',
    ]);
    await second.stop();
  });

  it('only says what it would do where it recommends', async () => {
    const world = createMonitorWorld(2);
    await world.open();
    await world.publish('web', 2, template('one'));
    const monitor = world.start('n1', { mode: 'recommend' });
    await world.live(20);
    expect(await world.assigned()).toEqual([]);
    expect(await world.decisions('web')).toEqual([
      'not: would start new-1 on n1: 0 of 2 instances',
      'not: would start new-2 on n2: 1 of 2 instances',
    ]);
    await monitor.stop();
  });

  it('looks at many changes together', async () => {
    const world = createMonitorWorld();
    await world.open();
    const monitor = world.start('n1');
    await world.clock.advance(5_000);
    const before = world.backend.history.head();
    for (let i = 0; i < 20; i += 1) await world.publish('web', i, template('one'));
    await world.clock.advance(1_000);
    // Twenty publishes, then all nineteen instances in one write.
    expect(world.backend.history.head()).toBe(before + 21);
    expect(await world.assigned()).toHaveLength(19);
    await monitor.stop();
  });

  it('brings a large service up, and its lost part elsewhere, in writes that a store takes', async () => {
    const world = createMonitorWorld(4);
    await world.open();
    await world.publish('web', 300, template('one'));
    const monitor = world.start('n1');
    await world.live(8);
    expect((await world.states('web')).size).toBe(300);
    await world.write({ kind: 'delete', key: nodeAliveKey('n4') });
    await world.clock.advance(70_000);
    await world.live(8);
    const assigned = await world.assigned();
    expect(assigned).toHaveLength(300);
    expect(assigned.some(({ node }) => node === 'n4')).toBe(false);
    expect(new Set(await world.states('web')).size).toBe(300);
    expect(monitor.lines.filter((line) => line.startsWith('warn'))).toEqual([]);
    await monitor.stop();
  });

  it('lets decisions go after a day', async () => {
    const world = createMonitorWorld();
    await world.open();
    await world.publish('web', 1, template('one'));
    const monitor = world.start('n1');
    await world.live(3);
    expect(await world.decisions('web')).toHaveLength(1);
    await monitor.stop();
    await world.clock.advance(23 * 3_600_000);
    expect(await world.decisions('web')).toHaveLength(1);
    await world.clock.advance(2 * 3_600_000);
    expect(await world.decisions('web')).toHaveLength(0);
  });
});

describe('two monitors', () => {
  it('have one leader; the other takes over at once when it is told to stop', async () => {
    const world = createMonitorWorld();
    await world.open();
    const monitors = [world.start('n1'), world.start('n2')];
    await world.clock.advance(3_000);
    const first = await readLeader(world.store);
    const leader = monitors.find(({ name }) => name === first?.node);
    await leader?.stop();
    const second = await readLeader(world.store);
    expect(new Set([first?.node, second?.node])).toEqual(new Set(['n1', 'n2']));
    await Promise.all(monitors.filter((one) => one !== leader).map(async (one) => one.stop()));
  });

  it('the cut-off one stops before another can lead, and nothing is done twice', async () => {
    const world = createMonitorWorld();
    await world.open();
    const cut = { off: false };
    const fault = (): MemoryFault | undefined => (cut.off ? { kind: 'unreachable' } : undefined);
    const old = world.start('n1', { fault });
    await world.clock.advance(3_000);
    const heir = world.start('n2');
    await world.clock.advance(1_000);
    cut.off = true;
    const isLost = (): boolean =>
      old.lines.join('\n').includes('leads no longer {"node":"n1","why":"its lease was not renewed in time"');
    for (let step = 0; step < 40 && !isLost(); step += 1) await world.clock.advance(100);
    expect(isLost()).toBe(true);
    expect(heir.lines.join('\n')).not.toContain('info leads {');
    await world.clock.advance(6_000);
    expect(await readLeader(world.store)).toMatchObject({ node: 'n2' });
    cut.off = false;
    await world.publish('web', 3, template('one'));
    await world.live(8);
    expect(await world.assigned()).toHaveLength(3);
    await Promise.all([old.stop(), heir.stop()]);
  });

  it('a service whose step is always refused keeps no other from its own', async () => {
    const world = createMonitorWorld();
    await world.open();
    const store = world.client();
    const monitor = world.start('n1', {
      openStore: async () =>
        Promise.resolve({
          ...store,
          transact: async (...args: Parameters<typeof store.transact>) =>
            args[0].compares.some((compare) => 'key' in compare && compare.key === 'service/bad')
              ? { kind: 'conflict' as const, revision: 1 }
              : store.transact(...args),
        }),
    });
    await world.publish('bad', 1, template('one'));
    await world.publish('web', 1, template('one'));
    await world.live(5);
    expect((await world.assigned()).map(({ service }) => service)).toEqual(['web']);
    await monitor.stop();
  });

  it('a leader whose key was taken writes nothing more: its write is refused and counted', async () => {
    const world = createMonitorWorld();
    await world.open();
    const hold = { before: undefined as (() => Promise<void>) | undefined };
    const paused = world.start('n1', {
      openStore: async () => {
        const store = world.client();
        return Promise.resolve({
          ...store,
          transact: async (...args: Parameters<typeof store.transact>) => {
            const now = args[0].compares.length > 2 ? hold.before : undefined;
            hold.before = undefined;
            await now?.();
            return store.transact(...args);
          },
        });
      },
    });
    await world.clock.advance(3_000);
    // Between its decision and its write another takes the lead and decides the same.
    hold.before = async () => {
      await world.store.transact({ compares: [], operations: [{ kind: 'delete', key: LEADER_KEY }] });
      await actingOther(world);
    };
    await world.publish('web', 2, template('one'));
    await world.clock.advance(3_000);
    await world.live(3);
    expect(paused.lines.join('\n')).toContain('"why":"a write was refused: another leads","refusedWrites":1');
    expect((await world.assigned()).length).toBeLessThanOrEqual(2);
    await paused.stop();
  });
});

/** Another leader's key, as if it had won the election. */
async function actingOther(world: ReturnType<typeof createMonitorWorld>): Promise<void> {
  await world.write({
    kind: 'put',
    key: LEADER_KEY,
    value: JSON.stringify({ node: 'n9', host: 'n9', pid: 9, since: '2026-01-01T00:00:00.000Z' }),
  });
}

describe('a store with faults', () => {
  /** Every n-th transaction goes wrong. */
  const everyNth =
    (n: number, kind: 'lose-answer' | 'lose-request' | 'unreachable') =>
    (call: MemoryCall): MemoryFault | undefined => {
      if (call !== 'transact') return undefined;
      calls += 1;
      return calls % n === 0 ? { kind } : undefined;
    };
  let calls = 0;

  it.each(['lose-answer', 'lose-request', 'unreachable'] as const)(
    'that lets writes go wrong (%s) ends with what is wanted, and no more',
    async (kind) => {
      calls = 0;
      const world = createMonitorWorld();
      await world.open();
      const monitor = world.start('n1', { fault: everyNth(3, kind) });
      for (const replicas of [4, 1, 6, 2]) {
        await world.publish('web', replicas, template('one'));
        await world.live(30);
        expect([...(await world.states('web')).values()]).toEqual(Array(replicas).fill('ready'));
        expect(await world.assigned()).toHaveLength(replicas);
      }
      // Every third of them went wrong.
      expect(calls).toBeGreaterThanOrEqual(8);
      await monitor.stop();
    },
  );

  it('that was away proves nothing about nodes', async () => {
    const world = createMonitorWorld(4);
    await world.open();
    await world.publish('web', 2, template('one'));
    const cut = { off: false };
    const monitor = world.start('n1', { fault: () => (cut.off ? { kind: 'unreachable' } : undefined) });
    await world.live(5);
    await world.write({ kind: 'delete', key: nodeAliveKey('n1') });
    await world.clock.advance(58_000);
    expect(await world.assigned()).toHaveLength(2);
    world.cut();
    cut.off = true;
    await world.clock.advance(3_000);
    cut.off = false;
    await world.clock.advance(20_000);
    expect((await world.assigned()).map(({ node }) => node)).toContain('n1');
    expect((await world.decisions('web')).at(-1)).toContain('the leader itself had lost the store');
    await world.clock.advance(20_000);
    expect((await world.assigned()).map(({ node }) => node)).not.toContain('n1');
    await monitor.stop();
  });

  it('says in its key why nothing follows from silence, and that it does again', async () => {
    const world = createMonitorWorld(4);
    await world.open();
    const monitor = world.start('n1');
    await world.live(5);
    const said = async () => (await readLeader(world.store))?.protection;
    expect(await said()).toBeUndefined();
    for (const name of ['n1', 'n2']) await world.write({ kind: 'delete', key: nodeAliveKey(name) });
    await world.live(5);
    expect((await said())?.why).toContain('2 of 4 nodes fell silent together (n1, n2)');
    expect((await said())?.ends).toContain('fewer than 2 of them silent');
    await world.node('n1');
    await world.live(5);
    expect(await said()).toBeUndefined();
    await monitor.stop();
  });
});
