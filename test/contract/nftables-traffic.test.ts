import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Dataplane } from '../../src/dataplane/dataplane.ts';
import { formatEntry } from '../../src/model/entry.ts';
import type { EntryRules } from '../../src/rules/ruleset.ts';
import { openNetns, type Netns } from '../harness/netns.ts';
import { rulesetFrom } from '../rules/arbitrary.ts';
import { webRules } from './dataplane-suite.ts';
import { openNftablesIn } from './nft-kernel.ts';
import { connect, type Instances, startInstances } from './traffic.ts';

const NODE = { nodeIpv4: '10.0.0.1', nodeIpv6: 'fd01::1' };
const IPS = Array.from({ length: 20 }, (_, at) => `10.200.0.${at + 1}`);
const ENTRY = ['10.96.0.1', 80] as const;

describe('traffic through the nftables layout', { timeout: 60_000 }, () => {
  let netns: Netns;
  let plane: Dataplane;
  let instances: Instances;
  beforeAll(async () => {
    netns = await openNetns();
    await netns.script(`ip addr add ${NODE.nodeIpv4}/32 dev lo; ip addr add 10.0.0.2/32 dev lo; ip addr add 10.0.0.3/32 dev lo
      ip -6 addr add ${NODE.nodeIpv6}/64 dev lo nodad; ip -6 addr add fd99::1/64 dev lo nodad
      echo '1024 65000' > /proc/sys/net/ipv4/ip_local_port_range; echo 4096 > /proc/sys/net/core/somaxconn
      ${IPS.map((ip) => `ip addr add ${ip}/32 dev lo`).join('\n')}`);
    instances = await startInstances(netns, [...IPS, 'fd99::1']);
    plane = openNftablesIn(netns);
  });
  afterAll(async () => {
    instances.close();
    await netns.close();
  });
  const apply = async (...entries: readonly EntryRules[]): Promise<void> => {
    expect(await plane.apply(rulesetFrom(entries), NODE)).toMatchObject({ failures: [] });
  };

  it.each([
    [
      [1, 2, 7],
      [300, 600, 2100],
    ],
    [
      [7, 2, 1],
      [2100, 600, 300],
    ],
    [
      [1, 1, 1],
      [1000, 1000, 1000],
    ],
    [
      [1000, 3000, 6000],
      [300, 900, 1800],
    ],
  ])('sends 3,000 connections by the weights %j exactly', async (weights, expected) => {
    await apply(webRules('10.96.0.1:80', weights));
    const answers = await connect(netns, { entry: ENTRY, count: 3000 });
    expect(weights.map((_, at) => answers.get(IPS[at] ?? ''))).toEqual(expected);
  });

  it('sends connections by weights that have no common measure within their number', async () => {
    const weights = [6733, 7919, 104, 65_535, 1];
    await apply(webRules('10.96.0.1:80', weights));
    const answers = await connect(netns, { entry: ENTRY, count: 3000 });
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    for (const [at, weight] of weights.entries()) {
      const share = (3000 * weight) / total;
      expect(Math.abs((answers.get(IPS[at] ?? '') ?? 0) - share)).toBeLessThanOrEqual(weights.length);
    }
  });

  it('divides among 20 instances, in blocks, exactly', async () => {
    await apply(
      webRules(
        '10.96.0.1:80',
        Array.from({ length: 20 }, () => 1),
      ),
    );
    const answers = await connect(netns, { entry: ENTRY, count: 2000 });
    for (const ip of IPS) expect(Math.abs((answers.get(ip) ?? 0) - 100)).toBeLessThanOrEqual(20);
  });

  it('counts connections by entry and instance, through changes of weights, and forgets an instance that is gone', async () => {
    await plane.cleanup();
    plane = openNftablesIn(netns);
    const counts = async (): Promise<Record<string, number>> =>
      Object.fromEntries(
        (await plane.counters()).map(({ entry, instance, connections }) => [
          `${formatEntry(entry)} ${instance.ip}`,
          connections,
        ]),
      );
    await apply(webRules('10.96.0.1:80', [1, 1]), webRules('[fd00::10]:80', [1]));
    await connect(netns, { entry: ENTRY, count: 100 });
    await connect(netns, { entry: ['fd00::10', 80], count: 10 });
    await apply(webRules('10.96.0.1:80', [1, 3]), webRules('[fd00::10]:80', [1]));
    await connect(netns, { entry: ENTRY, count: 100 });
    expect(await counts()).toEqual({
      '10.96.0.1:80/tcp 10.200.0.1': 75,
      '10.96.0.1:80/tcp 10.200.0.2': 125,
      '[fd00::10]:80/tcp fd99::1': 10,
    });
    await apply(webRules('10.96.0.1:80', [1]));
    expect(await counts()).toEqual({ '10.96.0.1:80/tcp 10.200.0.1': 75 });
  });
});
