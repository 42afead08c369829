import { describe, expect, it } from 'vitest';
import { openIptables } from '../../src/dataplane/iptables/iptables.ts';
import { restoreByCoprocess } from '../../src/dataplane/iptables/nat-table.ts';
import { isMachineRoot, openNetns, type Netns } from '../harness/netns.ts';
import { rulesetFrom } from '../rules/arbitrary.ts';
import { dataplaneContract, IPTABLES_LAYOUT, type KernelUnderTest, webRules } from './dataplane-suite.ts';

const FACTS = { nodeIpv4: '10.0.0.1', nodeIpv6: 'fd01::1' };
type Variant = 'nft' | 'legacy';

/** A namespace with the node's addresses on a device, in which a program used this variant before. */
async function openNode(variant: Variant): Promise<Netns> {
  const netns = await openNetns();
  await netns.script(
    `ip addr add ${FACTS.nodeIpv4}/32 dev lo; ip -6 addr add ${FACTS.nodeIpv6}/64 dev lo nodad
    iptables-${variant} -t filter -A INPUT -i nothing0 -j ACCEPT`,
  );
  return netns;
}

const plainListing = (text: string): string =>
  text.replaceAll(/^#.*\n/gm, '').replaceAll(/\[\d+:\d+\]/g, '[0:0]');

async function openKernel(variant: Variant): Promise<KernelUnderTest> {
  const netns = await openNode(variant);
  const runRestore = restoreByCoprocess(netns);
  return {
    open: async () => {
      const plane = await openIptables(netns.exec, { runRestore });
      expect(plane.name).toBe(`iptables-${variant}`);
      return plane;
    },
    foreign: async (commands) => {
      await netns.script(commands.map((command) => `iptables-${variant} -t nat ${command}`).join('\n'));
    },
    listing: async () => plainListing(await netns.script(`iptables-${variant}-save -t nat`)),
    layout: IPTABLES_LAYOUT,
    facts: FACTS,
    close: netns.close,
  };
}

describe.skipIf(!isMachineRoot)('on real kernels (needs root)', () => {
  dataplaneContract('iptables-nft', () => openKernel('nft'));
  dataplaneContract('iptables-legacy', () => openKernel('legacy'));
});

describe('clean-up on iptables-nft', () => {
  const ruleset = rulesetFrom([webRules('10.96.0.1:80', [1, 2]), webRules('[fd00::10]:80', [1])]);
  const everything =
    'iptables-nft-save; ip6tables-nft-save; nft list ruleset; ip route show table local; ip -6 route show table local';
  const FOREIGN = `iptables-nft -t nat -N DOCKER; iptables-nft -t nat -A PREROUTING -j DOCKER
    iptables-nft -t nat -A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE; iptables-nft -A FORWARD -j ACCEPT
    ip6tables-nft -t nat -A OUTPUT -d fd77::1 -j RETURN; nft add table inet own; nft add chain inet own c`;

  it.each([
    ['on a node without any rules', 'true'],
    ['beside foreign rules of some hooks', FOREIGN],
  ])('leaves everything byte-identical %s, also when another process does it', async (_title, prepare) => {
    const netns = await openNetns();
    await netns.script(`ip addr add 10.0.0.1/32 dev lo; ${prepare}`);
    const look = async (): Promise<string> => (await netns.script(everything)).replaceAll(/^#.*\n/gm, '');
    const before = await look();
    const agent = await openIptables(netns.exec);
    await agent.apply(ruleset, { nodeIpv4: '10.0.0.1' });
    const during = await look();
    expect(during).toContain('SLUICE-ENTRIES');
    expect(during).toContain('10.96.0.1');
    const restarted = await openIptables(netns.exec);
    await restarted.apply({ entries: [] }, { nodeIpv4: '10.0.0.1' });
    await (await openIptables(netns.exec)).cleanup();
    expect(await look()).toBe(before);
    await netns.close();
  });

  it('keeps a table that it had made once somebody else uses it', async () => {
    const netns = await openNetns();
    const agent = await openIptables(netns.exec);
    await agent.apply(ruleset, {});
    await netns.script('iptables-nft -t nat -A OUTPUT -d 10.1.1.1 -j RETURN');
    await agent.cleanup();
    expect(await netns.script('iptables-nft-save -t nat')).toContain('-A OUTPUT -d 10.1.1.1/32 -j RETURN');
    expect(await netns.script('nft list ruleset')).not.toMatch(/SLUICE|PREROUTING|table ip6/);
    await netns.close();
  });
});

describe.skipIf(!isMachineRoot)('the choice of the variant (needs root)', () => {
  it('keeps to the one that holds rules of ours, whatever else is there', async () => {
    const netns = await openNetns();
    await netns.script(
      'iptables-legacy -t nat -N SLUICE-POST; iptables-nft -A INPUT -j ACCEPT; iptables-nft -A OUTPUT -j ACCEPT',
    );
    expect((await openIptables(netns.exec)).name).toBe('iptables-legacy');
    await netns.close();
  });

  it('does not make a table by looking', async () => {
    const netns = await openNetns();
    await (await openIptables(netns.exec)).adopt();
    expect(
      await netns.script('nft list ruleset; cat /proc/net/ip_tables_names /proc/net/ip6_tables_names'),
    ).toBe('');
    await netns.close();
  });
});
