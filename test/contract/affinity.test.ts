import { describe, expect, it } from 'vitest';
import type { Dataplane } from '../../src/dataplane/dataplane.ts';
import { openIptables } from '../../src/dataplane/iptables/iptables.ts';
import { formatEntry } from '../../src/model/entry.ts';
import type { EntryRules } from '../../src/rules/ruleset.ts';
import { openNetns, type Netns } from '../harness/netns.ts';
import { rulesetFrom } from '../rules/arbitrary.ts';
import { webRules } from './dataplane-suite.ts';
import { openNftablesIn } from './nft-kernel.ts';
import { connect, startInstances } from './traffic.ts';

const NODE = { nodeIpv4: '10.0.0.1' };
const ENTRY = ['10.96.0.1', 80] as const;
const CLIENTS = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5', '10.0.0.6'];

const sticky = (...weights: readonly number[]): EntryRules => ({
  ...webRules('10.96.0.1:80', weights),
  affinitySeconds: 3600,
});

const PLANES: Readonly<Record<string, (netns: Netns) => Promise<Dataplane>>> = {
  'iptables-nft': async (netns) => openIptables(netns.exec),
  nftables: async (netns) => openNftablesIn(netns),
};

describe.each(Object.entries(PLANES))('session affinity through %s', { timeout: 180_000 }, (_name, open) => {
  it('keeps clients with their instances, set later, through changes of weights and a restart of the agent', async () => {
    const netns = await openNetns();
    await netns.script(
      `for ip in ${CLIENTS.join(' ')} 10.200.0.1 10.200.0.2 10.200.0.3; do ip addr add $ip/32 dev lo; done`,
    );
    const instances = await startInstances(netns, ['10.200.0.1', '10.200.0.2', '10.200.0.3']);
    try {
      const apply = async (plane: Dataplane, rules: EntryRules): Promise<void> => {
        expect(await plane.apply(rulesetFrom([rules]), NODE)).toMatchObject({ failures: [] });
      };
      const reachedBy = async (source: string, count: number): Promise<readonly string[]> => {
        const answers = await connect(netns, { entry: ENTRY, count, source, lanes: 1 });
        expect([...answers.values()].reduce((sum, one) => sum + one, 0)).toBe(count);
        return [...answers.keys()];
      };
      const plane = await open(netns);
      await apply(plane, webRules('10.96.0.1:80', [1, 1, 1]));
      await apply(plane, sticky(1, 1, 1));
      const reached = new Map<string, readonly string[]>();
      for (const source of CLIENTS) reached.set(source, await reachedBy(source, 10));
      for (const names of reached.values()) expect(names).toHaveLength(1);
      await apply(plane, sticky(1, 5, 9));
      const restarted = await open(netns);
      await apply(restarted, sticky(3, 5, 9));
      for (const [source, names] of reached) expect(await reachedBy(source, 10)).toEqual(names);
      await apply(restarted, sticky(3, 5));
      for (const [source, [name = '']] of reached) {
        const [now = '', ...more] = await reachedBy(source, 10);
        expect(more).toEqual([]);
        expect(now).not.toBe('10.200.0.3');
        expect([name, '10.200.0.3']).toContain(name === '10.200.0.3' ? name : now);
      }
      const counts = await restarted.counters();
      expect(counts.map(({ entry }) => formatEntry(entry))).toContain('10.96.0.1:80/tcp');
      expect(counts.reduce((sum, { connections }) => sum + connections, 0)).toBeGreaterThanOrEqual(60);
    } finally {
      instances.close();
      await netns.close();
    }
  });
});
