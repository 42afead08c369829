/**
 * Owns the faults of a lab's network: nftables rules on the bridge of the switch, so that the nodes' own rules stay
 * untouched. The kernel has no netem everywhere, so delay is not offered.
 */
import { SluiceError } from '../../../src/errors.ts';
import type { Netns } from '../../../src/host/netns.ts';

const TABLE = `table bridge faults {
  set pairs4 { type ipv4_addr . ipv4_addr; }
  set pairs6 { type ipv6_addr . ipv6_addr; }
  set ports { type ifname; }
  chain cuts { type filter hook forward priority 0; policy accept;
    ip saddr . ip daddr @pairs4 drop
    ip6 saddr . ip6 daddr @pairs6 drop
    iifname @ports drop
    oifname @ports drop
  }
  chain losses { type filter hook forward priority 1; policy accept; }
}
`;

/** The two addresses of a node, as in `Machine`. */
export interface Addresses {
  readonly address: string;
  readonly address6: string;
}

/** Faults that can be set and healed. Nodes are numbered from 1. */
export interface Faults {
  /** Drops every packet from a to b. */
  readonly cutOneWay: (a: Addresses, b: Addresses) => Promise<void>;
  /** Drops every packet at node i's port, both ways. */
  readonly isolate: (i: number) => Promise<void>;
  /** Drops `percent` (1-99) of the packets at node i's port at random, each way. */
  readonly loss: (i: number, percent: number) => Promise<void>;
  /** Ends all faults. */
  readonly heal: () => Promise<void>;
}

/** Installs the empty fault table in the switch. */
export async function prepareFaults(switchNs: Netns): Promise<Faults> {
  const nft = async (input: string): Promise<void> => {
    const result = await switchNs.exec('nft', ['-f', '-'], { input });
    if (result.exitCode !== 0) throw new SluiceError('failed', 'nft refused a fault', { why: result.stderr });
  };
  await nft(TABLE);
  return {
    cutOneWay: async (a, b) => {
      await nft(
        `add element bridge faults pairs4 { ${a.address} . ${b.address} }
         add element bridge faults pairs6 { ${a.address6} . ${b.address6} }\n`,
      );
    },
    isolate: async (i) => {
      await nft(`add element bridge faults ports { "v${i}" }\n`);
    },
    loss: async (i, percent) => {
      const drop = (side: string): string =>
        `add rule bridge faults losses ${side} "v${i}" numgen random mod 100 < ${percent} drop`;
      await nft(`${drop('iifname')}\n${drop('oifname')}\n`);
    },
    heal: async () => {
      await nft(
        [
          'set bridge faults pairs4',
          'set bridge faults pairs6',
          'set bridge faults ports',
          'chain bridge faults losses',
        ]
          .map((what) => `flush ${what}\n`)
          .join(''),
      );
    },
  };
}
