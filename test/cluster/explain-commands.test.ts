import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answered } from '../../src/dev/load/outcome.ts';
import type { Child } from '../../src/dev/child.ts';
import { waitConverged } from '../../src/ops/converge.ts';
import { publish } from '../../src/ops/publish.ts';
import { connections, script, startInstance } from './explain-world.ts';
import { type LabStore, openLabStore, sluice, specOf, startAgent } from './harness/control.ts';
import { useLab } from './harness/use-lab.ts';

/** Items of a listing in JSON. */
function itemsOf(text: string): readonly Readonly<Record<string, unknown>>[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own program's words
  return (JSON.parse(text) as { readonly items: readonly Readonly<Record<string, unknown>>[] }).items;
}

/** The first rule takes a half of the connections instead of three quarters. */
const CHANGED = {
  iptables: `c=$(iptables-nft-save -t nat | sed -n 's/^-A \\(SLUICE-S-[^ ]*\\) .*probability.*/\\1/p')
    iptables-nft -t nat -R $c 1 -p tcp -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.77.0.2:8081`,
  nftables: `h=$(nft -a list chain ip sluice tcp-10.96.0.10-80 | sed -n 's/.*numgen.*handle //p')
    nft replace rule ip sluice tcp-10.96.0.10-80 handle $h numgen inc mod 2 0 meta l4proto tcp dnat to 10.77.0.2:8081`,
} as const;

describe.each(['iptables', 'nftables'] as const)(
  'explain, verify and doctor beside an agent, layout %s',
  (layout) => {
    const lab = useLab({ nodes: 2, etcd: 1 });
    let control: LabStore;
    let agent: Child;

    beforeAll(async () => {
      const { node } = lab();
      const instances = await Promise.all(
        [8080, 8081].map((port) => startInstance(node(2), String(port), port)),
      );
      agent = await startAgent(lab(), node(1), { dataplane: layout });
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
      const { items } = JSON.parse(doctor.stdout);
      expect(items.filter(({ result }: { readonly result: string }) => result === 'fail')).toEqual([]);
      expect(doctor.exitCode).toBe(0);
      expect({ items }).toMatchObject({
        items: expect.arrayContaining(
          [
            'kernel/iptables/ipv4',
            'kernel/iptables/ipv6',
            'kernel/nftables/ipv4',
            'kernel/nftables/ipv6',
            'kernel/guard',
            'dataplane/auto',
            'agent',
            'state-dir',
          ].map((check): unknown => expect.objectContaining({ check, result: 'ok' })),
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

    it('hold a sample of connections against the shares', async () => {
      const node = lab().node(1);
      const sampling = sluice(lab(), node, ['verify', 'web', '--sample', '3s', '-o', 'json']);
      await connections(node, 400);
      const [, item] = itemsOf((await sampling).stdout);
      expect(item).toMatchObject({ service: 'web', rules: 'ok' });
      expect(['fits', 'too-few']).toContain(item?.['spread']);
    });

    it('name what is missing beside the rules, with a fix', async () => {
      const node = lab().node(1);
      await agent.stop('SIGTERM');
      await script(
        node,
        'nft delete table inet sluice_guard; iptables-nft -P FORWARD DROP; ip link del sluice0',
      );
      const verified = await sluice(lab(), node, ['verify', '-o', 'json']);
      expect(verified.exitCode).toBe(3);
      expect(itemsOf(verified.stdout)[0]).toMatchObject({
        service: null,
        differences: [
          { part: 'guard', chain: 'table inet sluice_guard' },
          { part: 'forwarding', missing: [expect.stringMatching(/^-A FORWARD .*-j ACCEPT$/)] },
          { part: 'routes', chain: 'device sluice0' },
          { part: 'routes', missing: ['10.96.0.10 dev sluice0 src NODE_IP'] },
        ],
      });
      expect(verified.stderr).toMatch(/the guard differs: table inet sluice_guard.*FORWARD differs/);
      const once = await sluice(lab(), node, ['agent', '--once', '--node', 'n1', '--dataplane', layout]);
      expect(once.stderr).toBe('');
      // What an agent that is stopped said of its layout does not count.
      const other = layout === 'iptables' ? 'nftables' : 'iptables';
      await sluice(lab(), node, ['agent', '--once', '--node', 'n1', '--dataplane', other]);
      expect((await sluice(lab(), node, ['verify'])).stderr).toBe('');
      await sluice(lab(), node, ['agent', '--once', '--node', 'n1', '--dataplane', layout]);
      expect((await sluice(lab(), node, ['verify'])).exitCode).toBe(0);
      await script(node, 'iptables-nft -P FORWARD ACCEPT; iptables-nft -F FORWARD');
    });

    it('name a changed rule where no agent runs to repair it, also without the store', async () => {
      const node = lab().node(1);
      await script(node, CHANGED[layout]);
      const verified = await sluice(lab(), node, ['verify', 'web']);
      expect(verified.exitCode).toBe(3);
      expect(verified.stdout).toMatch(/web .* 1 difference, \S+, missing: .*10\.77\.0\.2:8081/);
      const away = ['--endpoints', 'http://127.0.0.1:1', '--timeout', '20s'];
      const explained = await sluice(lab(), node, ['explain', 'web', '--check', ...away]);
      expect(explained.exitCode).toBe(3);
      expect(explained.stderr).toMatch(/compared with what the agent saved at/);
      expect(explained.stdout).toMatch(/10\.77\.0\.2:8081 +50% +75%/);
    });
  },
);
