import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answered } from '../../src/dev/load/outcome.ts';
import { waitConverged } from '../../src/ops/converge.ts';
import { publish } from '../../src/ops/publish.ts';
import { connections, script, startInstance } from './explain-world.ts';
import { type LabStore, openLabStore, sluice, specOf, startAgent } from './harness/control.ts';
import { useLab } from './harness/use-lab.ts';

describe('explain, verify and doctor of the built program beside an agent', () => {
  const lab = useLab({ nodes: 2, etcd: 1 });
  let control: LabStore;

  beforeAll(async () => {
    const { node } = lab();
    const instances = await Promise.all(
      [8080, 8081].map((port) => startInstance(node(2), String(port), port)),
    );
    await startAgent(lab(), node(1));
    control = await openLabStore(lab());
    const weighted = instances.map((address, index) => `${address}=${index * 2 + 1}`);
    const { revision } = await publish(control.deps, [specOf('web', '10.96.0.10:80', weighted)]);
    await waitConverged(control.deps, revision, { timeoutMs: 20_000 });
  });
  afterAll(async () => {
    await control.close();
  });

  it('agree that all is well, and what was counted', async () => {
    const node = lab().node(1);
    expect(answered(await connections(node, 800))).toBe(800);
    const explained = await sluice(lab(), node, ['explain', 'web', '--check']);
    expect(explained.stderr).toBe('');
    expect(explained.exitCode).toBe(0);
    expect(explained.stdout).toMatch(/10\.77\.0\.2:8081 +75% +75% +\d+ +sluice/);
    const verified = await sluice(lab(), node, ['verify', '-o', 'json']);
    expect(JSON.parse(verified.stdout)).toMatchObject({
      items: [
        { service: null, rules: 'ok' },
        { service: 'web', rules: 'ok', connections: 800, spread: 'fits' },
      ],
    });
    const doctor = await sluice(lab(), node, ['doctor', '-o', 'json']);
    expect(doctor.exitCode).toBe(0);
    expect(JSON.parse(doctor.stdout)).toMatchObject({
      items: expect.arrayContaining(
        ['kernel/ipv4', 'kernel/ipv6', 'agent', 'state-dir'].map((check): unknown =>
          expect.objectContaining({ check, result: 'ok' }),
        ),
      ),
    });
  });

  it('leave the rules of the node as they are', async () => {
    const node = lab().node(1);
    const rules = 'iptables-nft-save; ip6tables-nft-save; nft list ruleset; cat /proc/net/ip_tables_names';
    const look = async (): Promise<string> =>
      (await script(node, rules)).replaceAll(/^#.*\n| packets \d+ bytes \d+/gm, '');
    const before = await look();
    await sluice(lab(), node, ['explain', 'web', '--from', '10.77.0.2']);
    await sluice(lab(), node, ['verify']);
    await sluice(lab(), node, ['doctor']);
    expect(await look()).toBe(before);
  });

  it('name a changed rule while the agent sleeps, also without the store', async () => {
    const node = lab().node(1);
    await script(
      node,
      `c=$(iptables-nft-save -t nat | sed -n 's/^-A \\(SLUICE-S-[^ ]*\\) .*probability.*/\\1/p')
      iptables-nft -t nat -R $c 1 -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.77.0.2:8081`,
    );
    const verified = await sluice(lab(), node, ['verify', 'web']);
    expect(verified.exitCode).toBe(3);
    expect(verified.stdout).toMatch(/web .* 1 chain differs, missing: -A SLUICE-S-/);
    const away = ['--endpoints', 'http://127.0.0.1:1', '--timeout', '20s'];
    const explained = await sluice(lab(), node, ['explain', 'web', '--check', ...away]);
    expect(explained.exitCode).toBe(3);
    expect(explained.stderr).toMatch(/compared with what the agent saved at/);
    expect(explained.stdout).toMatch(/10\.77\.0\.2:8081 +50% +75%/);
  });
});
