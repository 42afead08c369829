import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../../src/errors.ts';
import { waitUntil } from '../../../src/host/wait.ts';
import { createMemoryStore } from '../../../src/store/memory/memory.ts';
import { fakeMachine } from './fake-machine.ts';
import { assignment, cluster, supervise } from './supervised.ts';

const STOP = { reason: 'scaled to 0', since: '2026-01-01T00:00:00.000Z' };
const until = async (what: string, holds: () => boolean): Promise<void> => {
  await waitUntil(holds, { what, timeoutMs: 10_000 });
};

describe('an assignment', () => {
  it('becomes a process, and ready in the store after its probe', async () => {
    const all = cluster();
    const machine = fakeMachine();
    await all.assign(assignment('web-1'));
    const { withdrawn, log } = await supervise(machine, { backend: all.store.backend });
    const record = await all.state('web-1', 'ready');
    expect(record).toMatchObject({ ip: '10.77.0.1', port: 20_001, node: 'n1', restarts: 0, weight: 100 });
    expect(machine.starts).toEqual(['web-1']);
    expect(withdrawn()).toEqual([]);
    expect(log.lines.filter((line) => line.startsWith('info instance '))).toHaveLength(3);
  });

  it('that cannot be started is failed with the rule that refused', async () => {
    const all = cluster();
    const machine = fakeMachine();
    machine.refuse = new SluiceError('permission', 'the policy of this node does not allow it', {
      why: 'commands',
    });
    await all.assign(assignment('web-1'));
    await supervise(machine, { backend: all.store.backend });
    const record = await all.state('web-1', 'failed');
    expect(record).toMatchObject({ port: 0, why: 'the policy of this node does not allow it: commands' });
    machine.refuse = undefined;
    expect(await all.state('web-1', 'ready')).toMatchObject({ restarts: 1 });
  });

  it('that cannot be read changes nothing of what runs', async () => {
    const all = cluster();
    const machine = fakeMachine();
    await all.assign(assignment('web-1'));
    const { log } = await supervise(machine, { backend: all.store.backend });
    await all.state('web-1', 'ready');
    await all.put('assignment/n1/web/web-1', '{"template":');
    await until('the error', () => log.lines.some((line) => line.includes('cannot be read')));
    expect(machine.done).toEqual(['start web-1']);
  });
});

describe('an assignment that nothing runs of and that cannot be read', () => {
  it('is failed with the reason, and started as soon as it can be read', async () => {
    const all = cluster();
    const machine = fakeMachine();
    await all.put('assignment/n1/web/web-1', '{"template":');
    await supervise(machine, { backend: all.store.backend });
    const record = await all.state('web-1', 'failed');
    expect(record?.why).toMatch(/^its assignment cannot be read: /);
    expect(record).toMatchObject({ port: 0, node: 'n1' });
    expect(machine.starts).toEqual([]);
    await all.assign(assignment('web-1'));
    expect(await all.state('web-1', 'ready')).toMatchObject({ port: 20_001, restarts: 0 });
  });

  it('leaves no record behind when it is taken away', async () => {
    const all = cluster();
    await all.put('assignment/n1/web/web-1', '{"template":');
    await supervise(fakeMachine(), { backend: all.store.backend });
    await all.state('web-1', 'failed');
    await all.store.transact({
      compares: [],
      operations: [{ kind: 'delete', key: 'assignment/n1/web/web-1' }],
    });
    expect(await all.state('web-1', undefined)).toBeUndefined();
  });
});

describe('the end of a process', () => {
  it('withdraws the instance here at once, and it is started again', async () => {
    const all = cluster();
    const machine = fakeMachine();
    await all.assign(assignment('web-1'));
    const { withdrawn, inService } = await supervise(machine, { backend: all.store.backend });
    await all.state('web-1', 'ready');
    expect(inService()).toEqual(['10.77.0.1:20001']);
    machine.exit('web-1', 3);
    expect(withdrawn()).toEqual(['web/web-1: failed']);
    expect(inService()).toEqual([]);
    expect(await all.state('web-1', 'failed')).toMatchObject({ why: 'exit code 3' });
    expect(await all.state('web-1', 'ready')).toMatchObject({ restarts: 1, port: 20_001 });
    expect(withdrawn()).toEqual([]);
  });

  it('is written to the store when the rules have it, or after a moment', async () => {
    const all = cluster();
    const machine = fakeMachine();
    const order: string[] = [];
    const fault = (call: string): undefined => {
      if (call === 'transact') order.push('store');
    };
    let rules: 'quick' | 'stuck' = 'quick';
    const ruled = async (): Promise<void> => {
      if (rules === 'stuck') return await new Promise(() => {});
      // Longer than a write takes to be sent, and no time at all.
      for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
      order.push('rules');
    };
    await all.assign(assignment('web-1'));
    await supervise(machine, { store: createMemoryStore({ backend: all.store.backend, fault }), ruled });
    await all.state('web-1', 'ready');
    order.length = 0;
    machine.exit('web-1', 3);
    await all.state('web-1', 'failed');
    expect(order.slice(0, 2)).toEqual(['rules', 'store']);
    await all.state('web-1', 'ready');
    rules = 'stuck';
    machine.exit('web-1', 4);
    expect(await all.state('web-1', 'failed')).toMatchObject({ why: 'exit code 4' });
  });

  it('counts without the store too, and what it came to is written when the store is back', async () => {
    const all = cluster();
    const machine = fakeMachine();
    let away = false;
    const fault = (): { kind: 'unreachable' } | undefined => (away ? { kind: 'unreachable' } : undefined);
    const store = createMemoryStore({ backend: all.store.backend, fault });
    await all.assign(assignment('web-1'));
    const { withdrawn, log } = await supervise(machine, { store });
    await all.state('web-1', 'ready');
    away = true;
    store.cutWatches('the store is away');
    machine.exit('web-1', 1);
    expect(withdrawn()).toEqual(['web/web-1: failed']);
    await until('the restart', () => machine.starts.length === 2);
    await until('ready again', () => withdrawn().length === 0);
    expect((await all.record('web-1'))?.restarts).toBe(0);
    expect(log.lines.filter((line) => line.includes('wait for the store'))).toHaveLength(1);
    away = false;
    await until('the record', () => log.lines.some((line) => line.includes('written again')));
    expect(await all.record('web-1')).toMatchObject({ state: 'ready', restarts: 1 });
  });
});

describe('an instance that does not answer', () => {
  it('is out, and ready again when it answers again, in the same process', async () => {
    const all = cluster();
    const machine = fakeMachine();
    await all.assign(assignment('web-1'));
    const { withdrawn } = await supervise(machine, { backend: all.store.backend });
    await all.state('web-1', 'ready');
    machine.answers.set('web-1', 'hang');
    expect(await all.state('web-1', 'starting')).toMatchObject({ why: 'no answer within 200 ms' });
    expect(withdrawn()).toEqual(['web/web-1: starting']);
    machine.answers.delete('web-1');
    expect(await all.state('web-1', 'ready')).toMatchObject({ restarts: 0 });
    expect(machine.starts).toHaveLength(1);
  });
});

describe('a program that is stopped by a signal', () => {
  it('is out without being asked, and ready again in the same process once it goes on', async () => {
    const all = cluster();
    const machine = fakeMachine();
    const seldom = { probe: { intervalSeconds: 3_600, startSeconds: 30 } };
    await all.assign(assignment('web-1', {}, seldom));
    const { withdrawn } = await supervise(machine, { backend: all.store.backend });
    await all.state('web-1', 'ready');
    machine.halted.add('web-1');
    await until('the withdrawal', () => withdrawn().length > 0);
    expect(await all.state('web-1', 'starting')).toMatchObject({ why: 'its program is stopped by a signal' });
    machine.halted.clear();
    expect(await all.state('web-1', 'ready')).toMatchObject({ restarts: 0 });
    expect(machine.starts).toEqual(['web-1']);
  });
});

describe('a stop', () => {
  it('waits for all live nodes and for connections, then hook, signal and the leader', async () => {
    const all = cluster();
    const machine = fakeMachine();
    await all.applied(0);
    await all.applied(0, 'n2');
    await all.assign(assignment('web-1'));
    const { withdrawn } = await supervise(machine, { backend: all.store.backend });
    await all.state('web-1', 'ready');
    machine.connections.set('web-1', 1);
    await all.assign(assignment('web-1', { stop: STOP }));
    expect(await all.state('web-1', 'draining')).toMatchObject({ why: 'scaled to 0' });
    expect(withdrawn()).toEqual(['web/web-1: draining']);
    const { item } = await all.store.get('instance/web/web-1');
    const revision = item?.modRevision ?? 0;
    await all.applied(revision);
    expect(machine.done).toEqual(['start web-1']);
    await all.applied(revision, 'n2');
    await until('the hook', () => machine.done.includes('hook web-1'));
    expect(machine.done).not.toContain('stop web-1');
    machine.connections.set('web-1', 0);
    await all.state('web-1', 'stopped');
    await all.unassign('web-1');
    await all.state('web-1', undefined);
    await until('nothing left', () => machine.done.includes('remove web-1'));
    expect(machine.done).toEqual(['start web-1', 'hook web-1', 'stop web-1', 'remove web-1']);
  });

  it('resets what is left at the deadline where that was asked for', async () => {
    const all = cluster();
    const machine = fakeMachine();
    await all.assign(assignment('web-1'));
    await supervise(machine, { backend: all.store.backend });
    await all.state('web-1', 'ready');
    machine.connections.set('web-1', 1);
    await all.assign(assignment('web-1', { stop: { ...STOP, drainSeconds: 0.2, onDeadline: 'reset' } }));
    await all.state('web-1', 'stopped');
    expect(machine.done.slice(1)).toEqual(['hook web-1', 'reset web-1', 'stop web-1']);
  });

  it('asked for by people stays in the record, and taking it back starts the instance again', async () => {
    const all = cluster();
    const machine = fakeMachine();
    await all.assign(assignment('web-1'));
    await supervise(machine, { backend: all.store.backend });
    await all.state('web-1', 'ready');
    const drain = { since: STOP.since, by: 'anna@host', force: true };
    await all.change('web-1', { drain });
    expect(await all.state('web-1', 'stopped')).toMatchObject({ drain });
    await all.change('web-1', { drain: undefined });
    expect((await all.state('web-1', 'ready'))?.drain).toBeUndefined();
    expect(machine.starts).toHaveLength(2);
  });
});

describe('an agent that was killed', () => {
  it('finds its processes again, also without the store, and starts none twice', async () => {
    const all = cluster();
    const machine = fakeMachine();
    for (const id of ['web-1', 'web-2', 'web-3']) await all.assign(assignment(id));
    const first = await supervise(machine, { backend: all.store.backend });
    for (const id of ['web-1', 'web-2', 'web-3']) await all.state(id, 'ready');
    const pids = ['web-1', 'web-3'].map((id) => machine.pidOf(id));
    await first.kill();
    machine.exit('web-2', 7);
    const away = createMemoryStore({ backend: all.store.backend, fault: () => ({ kind: 'unreachable' }) });
    const second = await supervise(machine, { store: away, stateDir: first.stateDir });
    await until('the restart', () => machine.starts.length === 4);
    await until('all ready', () => second.withdrawn().length === 0);
    expect(['web-1', 'web-3'].map((id) => machine.pidOf(id))).toEqual(pids);
    expect(second.log.lines.join('\n')).toContain('exit code 7');
  });

  it('goes on where it was in a stop', async () => {
    const all = cluster();
    const machine = fakeMachine();
    await all.assign(assignment('web-1'));
    const first = await supervise(machine, { backend: all.store.backend });
    await all.state('web-1', 'ready');
    machine.connections.set('web-1', 1);
    await all.assign(assignment('web-1', { stop: STOP }));
    await until('the hook', () => machine.done.includes('hook web-1'));
    await first.kill();
    const second = await supervise(machine, { backend: all.store.backend, stateDir: first.stateDir });
    expect(second.withdrawn()).toEqual(['web/web-1: draining']);
    machine.connections.set('web-1', 0);
    await all.state('web-1', 'stopped');
    expect(machine.done).toEqual(['start web-1', 'hook web-1', 'stop web-1']);
  });

  it('stops without loss what runs without an assignment, once it has seen them all, and not before', async () => {
    const all = cluster();
    const machine = fakeMachine();
    await all.assign(assignment('web-1'));
    const first = await supervise(machine, { backend: all.store.backend });
    await all.state('web-1', 'ready');
    await first.kill();
    await all.unassign('web-1');
    let away = true;
    const fault = (): { kind: 'unreachable' } | undefined => (away ? { kind: 'unreachable' } : undefined);
    const store = createMemoryStore({ backend: all.store.backend, fault });
    // Without its notes: only the driver knows of it.
    const second = await supervise(machine, { store });
    await until('adoption', () => second.log.lines.some((line) => line.includes('found again')));
    expect(machine.pidOf('web-1')).toBeDefined();
    away = false;
    await until('the end', () => machine.done.includes('remove web-1'));
    expect(machine.done).toEqual(['start web-1', 'stop web-1', 'remove web-1']);
    await all.state('web-1', undefined);
  });

  it('takes nothing for gone because a driver cannot be listed', async () => {
    const all = cluster();
    const machine = fakeMachine();
    await all.assign(assignment('web-1'));
    const first = await supervise(machine, { backend: all.store.backend });
    await all.state('web-1', 'ready');
    await first.kill();
    machine.blind = new SluiceError('failed', 'the folder cannot be read');
    const second = await supervise(machine, { backend: all.store.backend, stateDir: first.stateDir });
    await until('the error', () => second.log.lines.some((line) => line.includes('cannot be listed')));
    expect(machine.starts).toHaveLength(1);
    machine.blind = undefined;
    await until('adoption', () => second.log.lines.some((line) => line.includes('found again')));
    expect(await all.record('web-1')).toMatchObject({ state: 'ready', restarts: 0 });
    expect(machine.starts).toHaveLength(1);
  });
});
