import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Child } from '../../src/dev/child.ts';
import type { Workplace } from '../../src/dev/machine.ts';
import type { ServiceSpec } from '../../src/model/service.ts';
import { waitConverged } from '../../src/ops/converge.ts';
import { publish } from '../../src/ops/publish.ts';
import { call, type CallTarget, ping } from './calls.ts';
import { type LabStore, openLabStore, startAgent } from './harness/control.ts';
import { programArgv } from './harness/programs.ts';
import { useLab } from './harness/use-lab.ts';

const ENTRIES = ['10.96.0.10', '10.96.0.11', 'fd96::10'] as const;
/** Two entries of IPv4, one of IPv6, each over TCP and UDP on one port. */
const TARGETS: readonly CallTarget[] = ENTRIES.flatMap((ip) => [
  { ip, protocol: 'tcp' },
  { ip, protocol: 'udp' },
]);

/** Calls the first entry again and again. */
const callOften = async (machine: Workplace, times: number): Promise<readonly string[]> => {
  const answers: string[] = [];
  for (let i = 0; i < times; i += 1) answers.push(await call(machine, { protocol: 'tcp', ip: ENTRIES[0] }));
  return answers;
};

describe.each(['iptables', 'nftables'])('a service with everything, layout %s', (dataplane) => {
  const lab = useLab({ nodes: 3, etcd: 1, clients: 1 });
  let control: LabStore;
  const agents: Child[] = [];
  /** Who calls: another node, the instances' own node, a machine outside through node 1. */
  const callers = (): readonly Workplace[] => [lab().node(1), lab().node(2), lab().client(1)];
  const start = async (i: number): Promise<void> => {
    agents[i] = await startAgent(lab(), lab().node(i), { dataplane });
  };

  const publishWeb = async (ports: readonly number[], more: Partial<ServiceSpec> = {}): Promise<void> => {
    const { address, address6 } = lab().node(2);
    const report = await publish(control.deps, [
      {
        name: 'web',
        entries: TARGETS.map(({ ip, protocol }) => ({ ip, port: 80, protocol })),
        instances: ports.flatMap((port) => [address, address6].map((ip) => ({ ip, port, weight: 1 }))),
        masquerade: false,
        ...more,
      },
    ]);
    expect(report.failures).toEqual([]);
    const { outcome } = await waitConverged(control.deps, report.revision, { timeoutMs: 30_000 });
    expect(outcome).toBe('converged');
  };
  /** What each caller hears from each entry. */
  const callAll = async (): Promise<ReadonlySet<string>> => {
    const heard = await Promise.all(
      callers().map(async (machine) => {
        const answers: string[] = [];
        for (const target of TARGETS) answers.push(await call(machine, target));
        return answers;
      }),
    );
    return new Set(heard.flat());
  };
  beforeAll(async () => {
    control = await openLabStore(lab());
    const { address, address6 } = lab().node(2);
    for (const port of [8081, 8082])
      for (const host of [address, address6]) {
        const argv = [...programArgv('instance'), `i${port}`, host, String(port)];
        await (await lab().node(2).start(argv)).waitForOutput(/^listening/);
      }
    await Promise.all([1, 2].map(start));
  }, 60_000);
  afterAll(async () => {
    for (const agent of agents) await agent?.stop('SIGTERM');
    await control.close();
  });

  it('is reached at every entry, over TCP and UDP on one port, from nodes and from outside', async () => {
    await publishWeb([8081]);
    expect([...(await callAll())]).toEqual(['i8081 x']);
  });

  it('does not answer to ping, neither a node nor a machine outside', async () => {
    for (const machine of callers()) {
      expect(await ping(machine, lab().node(1).address)).toBe('reply');
      // The guard refuses it on a node itself; elsewhere nothing comes back.
      for (const ip of ENTRIES.slice(0, 2))
        expect(await ping(machine, ip)).toMatch(/^(silence|Operation not permitted)/);
    }
  });

  it('refuses everybody at once when it has no instance, and serves again when it has', async () => {
    await publishWeb([]);
    expect([...(await callAll())]).toEqual(['ECONNREFUSED']);
    await publishWeb([8082]);
    expect([...(await callAll())]).toEqual(['i8082 x']);
  });

  it('keeps a client with its instance when affinity is set later, also when the agent is killed and started again', async () => {
    await publishWeb([8081, 8082]);
    const before = new Set(await callOften(lab().node(1), 20));
    expect(before).toEqual(new Set(['i8081 x', 'i8082 x']));
    await publishWeb([8081, 8082], { affinitySeconds: 600 });
    const [mine = ''] = await callOften(lab().node(1), 1);
    expect(new Set(await callOften(lab().node(1), 10))).toEqual(new Set([mine]));
    await agents[1]?.stop('SIGKILL');
    expect(new Set(await callOften(lab().node(1), 5))).toEqual(new Set([mine]));
    await start(1);
    expect(new Set(await callOften(lab().node(1), 10))).toEqual(new Set([mine]));
  });
});
