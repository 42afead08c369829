import { describe, expect, it } from 'vitest';
import { isMachineRoot, openNetns } from '../harness/netns.ts';
import { rulesetFrom } from '../rules/arbitrary.ts';
import { dataplaneContract, webRules } from './dataplane-suite.ts';
import { openNftablesIn, openNftKernel } from './nft-kernel.ts';

describe.skipIf(!isMachineRoot)('on a real kernel (needs root)', () => {
  dataplaneContract('nftables', openNftKernel);
});

describe('clean-up of the nftables layout', () => {
  const ruleset = rulesetFrom([webRules('10.96.0.1:80', [1, 2]), webRules('[fd00::10]:80', [1])]);

  it.each([
    ['on a node without any rules', 'true'],
    [
      'beside foreign rules',
      'iptables-nft -t nat -A POSTROUTING -s 172.17.0.0/16 -j MASQUERADE; nft add table inet own; nft add table ip own',
    ],
  ])('leaves everything byte-identical %s, also when another process does it', async (_title, prepare) => {
    const netns = await openNetns();
    await netns.script(`ip addr add 10.0.0.1/32 dev lo; ${prepare}`);
    const look = async (): Promise<string> =>
      (
        await netns.script(
          'nft list ruleset; ip route show table local; ip -6 route show table local; iptables-nft-save -t nat',
        )
      ).replaceAll(/^#.*\n/gm, '');
    const before = await look();
    await openNftablesIn(netns).apply(ruleset, { nodeIpv4: '10.0.0.1' });
    expect(await look()).toContain('10.96.0.1');
    await openNftablesIn(netns).cleanup();
    expect(await look()).toBe(before);
    await netns.close();
  });
});
