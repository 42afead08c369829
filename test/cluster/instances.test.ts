import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Child } from '../../src/dev/child.ts';
import type { Workplace } from '../../src/dev/machine.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { type InstanceWorld, openInstanceWorld } from './harness/instance-world.ts';
import { useLab } from './harness/use-lab.ts';

const STOP = { reason: 'scaled to 0', since: '2026-01-01T00:00:00.000Z' };

/** An id that no other lab on this machine has at the same time. */
const named = (id: string): string => `${id}-${process.pid}`;

/** Our nat rules in a node's kernel. */
async function rulesOf(node: Workplace): Promise<string> {
  const { stdout, exitCode } = await node.run(['iptables-nft-save', '-t', 'nat']);
  expect(exitCode).toBe(0);
  return stdout;
}

/** Waits until the rules of a node hold (or lack) something. */
async function rules(place: Workplace, holds: (text: string) => boolean): Promise<void> {
  await waitUntil(async () => holds(await rulesOf(place)), { what: 'the rules', timeoutMs: 20_000 });
}

describe('managed instances', { timeout: 180_000 }, () => {
  const lab = useLab({ nodes: 2, etcd: 1 });
  let world: InstanceWorld;
  let agents: Child[];
  const node = (): Workplace => lab().node(2);
  const other = (): Workplace => lab().node(1);

  beforeAll(async () => {
    world = await openInstanceWorld(lab());
    agents = await Promise.all([world.agent(node()), world.agent(other())]);
  });
  afterAll(async () => {
    await Promise.all(agents.map((agent) => agent.stop('SIGKILL')));
    await world.close();
  });

  /** Assigned to node 2, away from the store's machine, and ready; away again after the test. */
  const ready = async (ids: readonly string[]): Promise<readonly string[]> => {
    for (const id of ids) await world.assign(node(), id);
    onTestFinished(async () => {
      for (const id of ids) await world.unassign(node(), id);
      await waitUntil(() => ids.every((id) => world.pids(node(), id).length === 0), {
        what: 'the instances to be gone',
        timeoutMs: 40_000,
      });
    });
    const records = await world.states(ids, 'ready');
    return records.map(({ ip, port }) => `${ip}:${port}`);
  };
  it('are started, probed, and then in the rules of every node', async () => {
    const [address = ''] = await ready([named('a1')]);
    for (const place of [node(), other()]) await rules(place, (text) => text.includes(address));
    expect(world.pids(node(), named('a1'))).toHaveLength(1);
  });

  it('that end are out of the rules of their node without the store, and come back with it', async () => {
    const [first = '', second = ''] = await ready([named('b1'), named('b2')]);
    await rules(node(), (text) => text.includes(first) && text.includes(second));
    await lab().cut(1, 2);
    onTestFinished(async () => await lab().heal());
    const [pid = 0] = world.pids(node(), named('b1'));
    process.kill(pid, 'SIGKILL');
    await rules(node(), (text) => !text.includes(first) && text.includes(second));
    await rules(node(), (text) => text.includes(first));
    expect(world.pids(node(), named('b1'))).not.toContain(pid);
    await lab().heal();
    const deadline = { what: 'the restart in the store', timeoutMs: 30_000 };
    await waitUntil(async () => (await world.states([named('b1')], 'ready'))[0]?.restarts === 1, deadline);
  });

  it('that accept and never answer are out, and back in the same process when they answer', async () => {
    const [address = ''] = await ready([named('c1')]);
    await rules(other(), (text) => text.includes(address));
    const [pid = 0] = world.pids(node(), named('c1'));
    process.kill(pid, 'SIGSTOP');
    await world.states([named('c1')], 'starting');
    for (const place of [node(), other()]) await rules(place, (text) => !text.includes(address));
    process.kill(pid, 'SIGCONT');
    expect(await world.states([named('c1')], 'ready')).toMatchObject([{ restarts: 0 }]);
    expect(world.pids(node(), named('c1'))).toEqual([pid]);
  });

  it('are stopped after their connections, and not before', async () => {
    const [address = ''] = await ready([named('d1')]);
    await rules(other(), (text) => text.includes(address));
    const [ip = '', port = ''] = address.split(':');
    const held = await lab()
      .node(2)
      .start(['bash', '-c', `exec 3<>/dev/tcp/${ip}/${port}; exec cat <&3`]);
    await waitUntil(
      async () =>
        (await node().run(['ss', '-Htn', 'state', 'established', `sport = :${port}`])).stdout.trim() !== '',
      { what: 'the connection', timeoutMs: 10_000 },
    );
    const pids = world.pids(node(), named('d1'));
    await world.assign(node(), named('d1'), { stop: STOP });
    await world.states([named('d1')], 'draining');
    for (const place of [node(), other()]) await rules(place, (text) => !text.includes(address));
    expect(world.pids(node(), named('d1'))).toEqual(pids);
    await held.stop('SIGKILL');
    expect(await world.states([named('d1')], 'stopped')).toMatchObject([{ why: 'scaled to 0' }]);
    expect(world.pids(node(), named('d1'))).toEqual([]);
  });

  it('that the policy refuses are failed with the rule', async () => {
    onTestFinished(async () => await world.unassign(node(), named('e1')));
    await world.assign(node(), named('e1'), { template: { command: ['/bin/sh', '-c', 'id'] } });
    const [record] = await world.states([named('e1')], 'failed');
    expect(record?.why).toContain('rule commands allows');
    await world.assign(node(), named('e2'), { template: { command: ['/no/such/program'] } });
    onTestFinished(async () => await world.unassign(node(), named('e2')));
    expect((await world.states([named('e2')], 'failed'))[0]?.why).toContain('there is no /no/such/program');
  });
});
