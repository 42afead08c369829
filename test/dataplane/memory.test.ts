import { describe, expect, it } from 'vitest';
import { memoryDataplane, memoryKernel } from '../../src/dataplane/memory.ts';
import {
  dataplaneContract,
  IPTABLES_LAYOUT,
  webRules,
  type KernelUnderTest,
} from '../contract/dataplane-suite.ts';
import { rulesetFrom } from '../rules/arbitrary.ts';

const FACTS = { nodeIpv4: '10.0.0.1', nodeIpv6: 'fd01::1' };

async function modelledKernel(): Promise<KernelUnderTest> {
  const kernel = memoryKernel([FACTS.nodeIpv4]);
  return {
    open: async () => memoryDataplane(kernel),
    foreign: async (commands) => kernel.tables.ipv4.foreign(commands),
    listing: async () => kernel.tables.ipv4.listing(),
    layout: IPTABLES_LAYOUT,
    facts: FACTS,
    close: async () => {},
  };
}

dataplaneContract('memory', modelledKernel);

describe('the modelled data plane', { timeout: 60_000 }, () => {
  const ruleset = rulesetFrom([webRules('10.96.0.1:80', [1, 1])]);

  it('tries once more after a failure, and the second time gives up with the old rules whole', async () => {
    const plane = memoryDataplane();
    plane.kernel.tables.ipv4.failNext(1);
    expect(await plane.apply(ruleset, FACTS)).toMatchObject({ unchanged: false, failures: [] });
    const before = plane.kernel.tables.ipv4.listing();
    plane.kernel.tables.ipv4.failNext(2);
    await expect(plane.apply({ entries: [] }, FACTS)).rejects.toMatchObject({ code: 'failed' });
    expect(plane.kernel.tables.ipv4.listing()).toBe(before);
    expect(await plane.apply({ entries: [] }, FACTS)).toMatchObject({ chainsRemoved: 1 });
  });

  it('applies IPv4 and says so when IPv6 does not work', async () => {
    const plane = memoryDataplane();
    const both = rulesetFrom([webRules('10.96.0.1:80', [1]), webRules('[fd00::10]:80', [1])]);
    plane.kernel.tables.ipv6.failNext(2);
    const report = await plane.apply(both, FACTS);
    expect(report.failures).toEqual([
      'IPv6 entries are not forwarded: iptables-restore failed: told to fail',
    ]);
    expect(plane.kernel.tables.ipv4.listing()).toContain('10.96.0.1/32');
    const healed = await plane.apply(both, FACTS);
    expect(healed.failures).toEqual([]);
    expect(healed.rulesHash).not.toBe(report.rulesHash);
    expect(plane.kernel.tables.ipv6.listing()).toContain('fd00::10/128');
  });

  it('leaves IPv6 alone as long as no entry needs it', async () => {
    const plane = memoryDataplane();
    await plane.apply(ruleset, FACTS);
    expect(plane.kernel.tables.ipv6.taken).toEqual([]);
  });

  it('loads more than 2,000 services in chunks of 500, then the trie, then the hooks', async () => {
    const plane = memoryDataplane();
    const many = rulesetFrom(
      Array.from({ length: 2100 }, (_, at) =>
        webRules(`10.96.${at >> 8}.${at & 255}:80`, at === 7 ? Array.from({ length: 20 }, () => 1) : [1, 1]),
      ),
    );
    const report = await plane.apply(many, FACTS);
    const { taken } = plane.kernel.tables.ipv4;
    expect(taken.map((text) => text.match(/^:SLUICE-S-.{13} /gm)?.length ?? 0)).toEqual([
      500, 500, 500, 500, 100, 0, 0, 0, 0, 0,
    ]);
    expect(taken.slice(0, 5).some((text) => text.includes('SLUICE-T'))).toBe(false);
    expect(taken.slice(0, -1).some((text) => text.includes('-I '))).toBe(false);
    expect(taken.at(-1)).toBe(
      '*nat\n-I PREROUTING -j SLUICE-ENTRIES\n-I OUTPUT -j SLUICE-ENTRIES\n-I POSTROUTING -j SLUICE-POST\nCOMMIT\n',
    );
    expect(report.rulesWritten).toBe(taken.join('').match(/^-[AI] /gm)?.length);
    expect(await plane.apply(many, FACTS)).toMatchObject({ unchanged: true });
  });

  it('sends up to 2,000 services in one transaction', async () => {
    const plane = memoryDataplane();
    await plane.apply(
      rulesetFrom(Array.from({ length: 2000 }, (_, at) => webRules(`10.96.${at >> 8}.${at & 255}:80`, [1]))),
      FACTS,
    );
    expect(plane.kernel.tables.ipv4.taken).toHaveLength(1);
  });
});
