/** Owns a real kernel under the nftables layout, for the contract suite and other tests. */
import type { Dataplane } from '../../src/dataplane/dataplane.ts';
import { openNftables } from '../../src/dataplane/nftables/nftables.ts';
import { openPipe } from '../../src/host/pipe.ts';
import { openNetns, type Netns } from '../harness/netns.ts';
import type { KernelUnderTest, LayoutUnderTest } from './dataplane-suite.ts';

const FACTS = { nodeIpv4: '10.0.0.1', nodeIpv6: 'fd01::1' };

/** A data plane on nftables inside a namespace, as a fresh agent process opens it. */
export function openNftablesIn(
  netns: Netns,
  node = 'n1',
  onStart: (pid: number) => void = () => {},
): Dataplane {
  return openNftables({
    exec: netns.exec,
    openPipe: (file, args, env) => {
      const pipe = openPipe(...netns.argv(file, args), env);
      if (pipe.pid !== undefined) onStart(pipe.pid);
      return pipe;
    },
    node,
  });
}

const OUR_TABLES = /^table ip6? sluice \{\n(?:.*\n)*?\}\n/gm;

function layoutIn(netns: Netns): LayoutUnderTest {
  return {
    firstApply: { chainsChanged: 8, rulesWritten: 13 },
    damage: async () => {
      await netns.script(`nft flush chain ip sluice prerouting; nft flush chain ip sluice postrouting
        nft insert rule ip sluice output jump dispatch; nft delete element ip sluice hairpin { 10.200.0.1 . 10.200.0.1 }
        nft delete element ip sluice entries { 10.96.0.3 . tcp . 80 }`);
    },
    mended: { chainsChanged: 3, rulesWritten: 3 },
    wipe: async () => {
      await netns.script('nft delete table ip sluice');
    },
    withoutOurs: (listing) => listing.replaceAll(OUR_TABLES, ''),
    first: /type nat hook prerouting priority -110; policy accept;\n\t\tjump dispatch$/m,
    mixIn: async () => {
      await netns.script('nft add chain ip sluice mine; nft add rule ip sluice mine accept');
      return async () => {
        await netns.script('nft delete chain ip sluice mine');
      };
    },
    mixedIn: 'the table ip sluice of sluice holds a foreign chain mine',
  };
}

/** A namespace with the node's addresses on a device. */
export async function openNftKernel(): Promise<KernelUnderTest> {
  const netns = await openNetns();
  await netns.script(
    `ip addr add ${FACTS.nodeIpv4}/32 dev lo; ip -6 addr add ${FACTS.nodeIpv6}/64 dev lo nodad
    iptables-nft -t nat -S`,
  );
  return {
    open: async () => openNftablesIn(netns),
    foreign: async (commands) => {
      await netns.script(commands.map((command) => `iptables-nft -t nat ${command}`).join('\n'));
    },
    listing: async () => (await netns.script('nft -n -s list ruleset')).replaceAll(/^#.*\n/gm, ''),
    layout: layoutIn(netns),
    facts: FACTS,
    close: netns.close,
  };
}
