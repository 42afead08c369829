import { describe, expect, it } from 'vitest';
import type { Dataplane } from '../../src/dataplane/dataplane.ts';
import { openIptables } from '../../src/dataplane/iptables/iptables.ts';
import type { AskedLayout } from '../../src/dataplane/layout-choice.ts';
import { openLayout } from '../../src/dataplane/open-layout.ts';
import { openPipe } from '../../src/host/pipe.ts';
import type { Ruleset } from '../../src/rules/ruleset.ts';
import { isMachineRoot, openNetns, type Netns } from '../harness/netns.ts';
import { rulesetFrom } from '../rules/arbitrary.ts';
import { webRules } from './dataplane-suite.ts';
import { openNftablesIn } from './nft-kernel.ts';
import { type Instances, startInstances, startStream, totals } from './traffic.ts';

const NODE = { nodeIpv4: '10.0.0.1' };
const ENTRY = ['10.96.0.1', 80] as const;
const UPDATES = 1_000;
/** HAMMER_SECONDS=20 hammers for longer; test/bench/layouts.bench.ts makes 10,000 updates. */
const BUDGET_MS = Number(process.env['HAMMER_SECONDS'] ?? 5) * 1_000;
const PER_SECOND = 600;

/** Other services, so that there is something to leave alone. */
const OTHERS = Array.from({ length: 50 }, (_, at) => webRules(`10.97.0.${at}:80`, [1, 2, 7]));

/** The ruleset of step n: weights change, instances come and go; the first instance is always there. */
const stepOf = (n: number): Ruleset =>
  rulesetFrom([webRules('10.96.0.1:80', [1, 1 + (n % 7), 1 + (n % 3), 2].slice(0, 2 + (n % 3))), ...OTHERS]);

async function openNode(): Promise<{ readonly netns: Netns; readonly instances: Instances }> {
  const netns = await openNetns();
  await netns.script(`ip addr add ${NODE.nodeIpv4}/32 dev lo; for i in 1 2 3 4; do ip addr add 10.200.0.$i/32 dev lo; done
    echo '1024 65000' > /proc/sys/net/ipv4/ip_local_port_range`);
  const instances = await startInstances(
    netns,
    [1, 2, 3, 4].map((at) => `10.200.0.${at}`),
  );
  return { netns, instances };
}

const PLANES: Readonly<Record<string, (netns: Netns) => Promise<Dataplane>>> = {
  'iptables-nft': async (netns) => openIptables(netns.exec),
  'iptables-legacy': async (netns) => {
    await netns.script('iptables-legacy -A INPUT -i nothing0 -j ACCEPT');
    return openIptables(netns.exec);
  },
  nftables: async (netns) => openNftablesIn(netns),
};

describe('connections to a service whose rules are rewritten again and again', { timeout: 180_000 }, () => {
  it.each(Object.entries(PLANES).filter(([name]) => isMachineRoot || name !== 'iptables-legacy'))(
    'all arrive through %s (legacy needs root)',
    async (name, open) => {
      const { netns, instances } = await openNode();
      try {
        const plane = await open(netns);
        expect(plane.name).toBe(name);
        await plane.apply(stepOf(0), NODE);
        const stream = startStream(netns, ENTRY, { perSecond: PER_SECOND });
        const started = performance.now();
        let updates = 0;
        while (updates < UPDATES && performance.now() - started < BUDGET_MS) {
          updates += 1;
          const { unchanged } = await plane.apply(stepOf(updates), NODE);
          expect(unchanged).toBe(false);
        }
        const answers = await stream.stop();
        expect(totals(answers).failed).toBe(0);
        expect(totals(answers).all).toBeGreaterThan(500);
        // Enough to mean something, however busy the machine is.
        expect(updates).toBeGreaterThan(20);
      } finally {
        instances.close();
        await netns.close();
      }
    },
  );
});

describe('a change of the layout on a running node', { timeout: 180_000 }, () => {
  it('loses no connection, and leaves nothing of the other layout', async () => {
    const { netns, instances } = await openNode();
    const open = async (asked: AskedLayout): Promise<Dataplane> => {
      const pipe: typeof openPipe = (file, args, env) => openPipe(...netns.argv(file, args), env);
      return (await openLayout({ asked, exec: netns.exec, openPipe: pipe, node: 'n1' })).dataplane;
    };
    try {
      await (await open('iptables')).apply(stepOf(1), NODE);
      const stream = startStream(netns, ENTRY, { perSecond: PER_SECOND });
      for (let round = 0; round < 5; round += 1) {
        const inNft = await open('nftables');
        expect(await inNft.apply(stepOf(1), NODE)).toMatchObject({ failures: [] });
        expect(await netns.script('iptables-nft-save')).not.toContain('SLUICE');
        expect((await open('auto')).name).toBe('nftables');
        const inIptables = await open('iptables');
        expect(await inIptables.apply(stepOf(1), NODE)).toMatchObject({ failures: [] });
        expect(await netns.script('nft list chains')).not.toContain('table ip sluice');
        expect((await open('auto')).name).toBe('iptables-nft');
      }
      const answers = await stream.stop();
      expect(totals(answers).failed).toBe(0);
      expect(totals(answers).all).toBeGreaterThan(500);
    } finally {
      instances.close();
      await netns.close();
    }
  });
});

describe('the long-lived nft', { timeout: 180_000 }, () => {
  it('may be killed at any moment: every change is whole, and the next ones go on', async () => {
    const netns = await openNetns();
    try {
      await netns.script(`ip addr add ${NODE.nodeIpv4}/32 dev lo`);
      const started: number[] = [];
      const plane = openNftablesIn(netns, 'n1', (pid) => started.push(pid));
      await plane.apply(stepOf(0), NODE);
      for (let n = 1; n <= 300; n += 1) {
        const change = plane.apply(stepOf(n), NODE);
        const pid = started.at(-1);
        if (n % 3 === 0 && pid !== undefined) {
          for (let spin = 0; spin < (n / 3) % 25; spin += 1) await new Promise(setImmediate);
          try {
            process.kill(pid, 'SIGKILL');
          } catch {
            // It had ended since the last kill.
          }
        }
        expect((await change).failures).toEqual([]);
      }
      expect(started.length).toBeGreaterThan(50);
      const held = await plane.dump();
      const fresh = openNftablesIn(netns);
      expect(await fresh.apply(stepOf(300), NODE)).toMatchObject({ unchanged: true });
      await fresh.cleanup();
      await openNftablesIn(netns).apply(stepOf(300), NODE);
      expect(await openNftablesIn(netns).dump()).toBe(held);
    } finally {
      await netns.close();
    }
  });
});
