import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { Child } from '../../src/dev/child.ts';
import type { LoadResult } from '../../src/dev/load/outcome.ts';
import { startLoad } from '../../src/dev/load/start-load.ts';
import { systemClock } from '../../src/host/clock.ts';
import { waitUntil } from '../../src/host/wait.ts';
import {
  answerersOf,
  ENTRY,
  holderOf,
  IPS,
  macOf,
  publishAnnounced,
  remembered,
  startAgentOf,
  startAgents,
  waitHolder,
} from './announce-world.ts';
import { accepted, call } from './calls.ts';
import { type LabStore, openLabStore, sluice } from './harness/control.ts';
import { programArgv } from './harness/programs.ts';
import { useLab } from './harness/use-lab.ts';

/** Time until another node holds what a dead one held: lease 10 s, expiry looked at every second or so, and a busy machine. */
const TAKE_OVER_MS = 25_000;

/** The other of the nodes 2 and 3. */
const other = (i: number): number => 5 - i;

describe('an announced entry', () => {
  const lab = useLab({ nodes: 4, etcd: 1 });
  const client = (): ReturnType<ReturnType<typeof useLab>>['nodes'][number] => lab().node(4);
  let control: LabStore;
  let agents: Map<number, Child>;

  /** Connections from the client, 50 a second, while something is done. */
  const underLoad = async (act: () => Promise<void>): Promise<LoadResult> => {
    const pace = { kind: 'rate', perSecond: 50 } as const;
    const spec = { host: ENTRY.v4, port: 80, pace, count: 1_000_000, durationMs: 120_000, timeoutMs: 1_000 };
    const load = await startLoad(spec, { worker: programArgv('load'), ns: client().ns });
    const before = await accepted(lab().node(1), 8080);
    const isUnderWay = async (): Promise<boolean> => (await accepted(lab().node(1), 8080)) > before + 20;
    await waitUntil(isUnderWay, { what: 'the load', timeoutMs: 20_000 });
    await act();
    return await load.stop();
  };
  const agentOf = (i: number): Child => {
    const agent = agents.get(i);
    if (agent === undefined) throw new Error(`no agent on node ${i}`);
    return agent;
  };
  /** The one node that answers the client for an address. */
  const expectOnly = async (i: number, ip: string): Promise<void> => {
    expect(await answerersOf(client(), ip)).toEqual([await macOf(lab().node(i))]);
  };
  const turnsTo = async (i: number, ip: string): Promise<void> => {
    const mac = await macOf(lab().node(i));
    await waitUntil(async () => (await remembered(client(), ip)) === mac, {
      what: `the client to turn to node ${i}`,
      timeoutMs: TAKE_OVER_MS,
    });
  };
  const restart = async (i: number): Promise<void> => {
    agents.set(i, await startAgentOf(lab(), i));
  };

  beforeAll(async () => {
    control = await openLabStore(lab());
    const { address, address6 } = lab().node(1);
    for (const host of [address, address6]) {
      const server = await lab()
        .node(1)
        .start([...programArgv('instance'), 'one', host, '8080']);
      await server.waitForOutput(/^listening/);
    }
    agents = await startAgents(lab());
    await publishAnnounced(lab(), control);
  }, 60_000);
  beforeEach(async () => {
    for (const [i, agent] of agents) if (!agent.running()) await restart(i);
  });
  afterAll(async () => {
    for (const agent of agents.values()) await agent.stop('SIGKILL');
    await control.close();
  });

  it('is reached over TCP and UDP, IPv4 and IPv6, by a neighbour without a route, from one node, as status tells', async () => {
    for (const ip of IPS) {
      const holder = await waitHolder(control, ip);
      expect(await call(client(), { protocol: 'tcp', ip: ip })).toBe('one x');
      expect(await call(client(), { protocol: 'udp', ip: ip })).toBe('one x');
      await expectOnly(holder, ip);
    }
    const by = await Promise.all(IPS.map(async (ip) => `${ip} by n${await holderOf(control, ip)}`));
    const { stdout } = await sluice(lab(), lab().node(2), ['describe', 'web']);
    expect(stdout).toContain(`announced:   ${by.join(', ')}\n`);
    const status = await sluice(lab(), lab().node(2), ['status', '--check']);
    expect({ code: status.exitCode, warns: status.stdout.includes('no node answers') }).toEqual({
      code: 0,
      warns: false,
    });
  });

  it('moves at once, without a connection that waits, when the agent of its node is stopped, and stays when it is back', async () => {
    const first = await waitHolder(control, ENTRY.v4);
    const result = await underLoad(async () => {
      await agentOf(first).stop('SIGTERM');
      await waitHolder(control, ENTRY.v4, (node) => node === other(first));
      await turnsTo(other(first), ENTRY.v4);
    });
    // A connection that is under way in the very moment is reset; none times out.
    expect(result.failures.filter(({ outcome }) => outcome !== 'reset')).toEqual([]);
    expect(result.failures.length).toBeLessThanOrEqual(2);
    await expectOnly(other(first), ENTRY.v4);
    await restart(first);
    await expectOnly(other(first), ENTRY.v4);
    expect(await holderOf(control, ENTRY.v4)).toBe(other(first));
  });

  it('stays with an agent that is killed and started again', async () => {
    const holder = await waitHolder(control, ENTRY.v4);
    const before = await control.store.get(`holder/${ENTRY.v4}`);
    await agentOf(holder).stop('SIGKILL');
    await restart(holder);
    const after = await waitUntil(
      async () => {
        const { item } = await control.store.get(`holder/${ENTRY.v4}`);
        return item?.lease === before.item?.lease ? undefined : item;
      },
      { what: 'the claim to go over to the new agent', timeoutMs: TAKE_OVER_MS },
    );
    expect(after?.createRevision).toBe(before.item?.createRevision);
    await expectOnly(holder, ENTRY.v4);
  });

  it('is taken over when the agent is killed for good, by one node that answers alone; connections go on', async () => {
    const first = await waitHolder(control, ENTRY.v4);
    const result = await underLoad(async () => {
      await agentOf(first).stop('SIGKILL');
      await waitHolder(control, ENTRY.v4, (node) => node === other(first));
      await turnsTo(other(first), ENTRY.v4);
    });
    expect(result.failures.filter(({ outcome }) => outcome !== 'reset')).toEqual([]);
    await expectOnly(other(first), ENTRY.v4);
    await restart(first);
  });

  it('is taken over within the lease when its node loses power', { timeout: 90_000 }, async () => {
    const first = await waitHolder(control, ENTRY.v4);
    const started = systemClock.monotonicMs();
    const result = await underLoad(async () => {
      await lab().powerOff(first);
      await waitHolder(control, ENTRY.v4, (node) => node === other(first));
      await turnsTo(other(first), ENTRY.v4);
      expect(systemClock.monotonicMs() - started).toBeLessThan(TAKE_OVER_MS);
      expect(await call(client(), { protocol: 'tcp', ip: ENTRY.v4 })).toBe('one x');
    });
    expect(result.outcomes.ok).toBeGreaterThan(0);
    await lab().powerOn(first);
    await restart(first);
    await expectOnly(other(first), ENTRY.v4);
  });

  it(
    'is taken over when its node is cut off from the store, which hears it and yields',
    { timeout: 90_000 },
    async () => {
      const first = await waitHolder(control, ENTRY.v4);
      onTestFinished(async () => lab().heal());
      await lab().cut(first, 1);
      await waitHolder(control, ENTRY.v4, (node) => node === other(first));
      await waitUntil(() => agentOf(first).stderr().includes('another machine has taken the entry over'), {
        what: 'the former holder to yield',
        timeoutMs: TAKE_OVER_MS,
        facts: () => agentOf(first).stderr(),
      });
      await expectOnly(other(first), ENTRY.v4);
      await lab().heal();
      await waitUntil(async () => (await control.store.get(`node-alive/n${first}`)).item !== undefined, {
        what: 'the former holder to be back',
        timeoutMs: 30_000,
      });
      expect(await holderOf(control, ENTRY.v4)).toBe(other(first));
      await expectOnly(other(first), ENTRY.v4);
    },
  );

  it(
    'is answered for on without the store, also by an agent that is killed and started again',
    { timeout: 120_000 },
    async () => {
      const [member] = lab().etcd().members;
      if (member === undefined) throw new Error('a lab with etcd has a member');
      const holder = await waitHolder(control, ENTRY.v4);
      await member.stop();
      await waitUntil(() => agentOf(holder).stderr().includes('claim=false'), {
        what: 'the holder to lose its lease and to go on',
        timeoutMs: 20_000,
        facts: () => agentOf(holder).stderr(),
      });
      await expectOnly(holder, ENTRY.v4);
      await agentOf(holder).stop('SIGKILL');
      const again = await startAgentOf(lab(), holder, false);
      agents.set(holder, again);
      await waitUntil(() => again.stderr().includes('answers neighbours'), {
        what: 'the new agent to go on',
        timeoutMs: 20_000,
        facts: () => again.stderr(),
      });
      await expectOnly(holder, ENTRY.v4);
      expect(await call(client(), { protocol: 'tcp', ip: ENTRY.v4 })).toBe('one x');
      await member.start();
      const node = await waitHolder(control, ENTRY.v4);
      await waitUntil(() => agentOf(node).stderr().includes('claim=true'), {
        what: 'a claim to be taken again',
        timeoutMs: 30_000,
      });
      await expectOnly(node, ENTRY.v4);
    },
  );

  it('is silent again when it is published without the wish', async () => {
    const { exitCode } = await sluice(
      lab(),
      lab().node(2),
      `publish web --entry ${ENTRY.v4}:80 --instance ${lab().node(1).address}:8080 --replace`.split(' '),
    );
    expect(exitCode).toBe(0);
    await waitUntil(async () => (await holderOf(control, ENTRY.v4)) === undefined, {
      what: 'the claim to go',
      timeoutMs: 10_000,
    });
    await client().run(['ip', 'neigh', 'del', ENTRY.v4, 'dev', 'eth0']);
    expect(await call(client(), { protocol: 'tcp', ip: ENTRY.v4 })).toMatch(/EHOSTUNREACH|silence/);
  });
});
