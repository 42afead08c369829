/**
 * Owns what all are measured against: a node that only forwards, without and with connection tracking, and with NAT hooked too. Clients connect
 * to instances.
 */
import { type Contender, must, nodeExec } from './contender.ts';

const NOTHING = { load: { ms: 0, peakMb: 0 } };

/** Forwards, and nothing else. */
export const direct: Contender = async () => await Promise.resolve(NOTHING);

/** Forwards and tracks connections, as any rule that asks for their state makes a node do; translates nothing. */
export const conntrackOnly: Contender = async (lane) => {
  const table = `table ip tracking {
  chain forward {
    type filter hook forward priority 0;
    ct state invalid drop
  }
  chain output {
    type filter hook output priority 0;
    ct state invalid drop
  }
}
`;
  await must(nodeExec(lane).exec('nft', ['-f', '-'], { input: table }));
  return NOTHING;
};

/**
 * The same with NAT hooked and no rule of it, as on any node that has a nat table, whatever is in it: what rules themselves cost is above
 * this.
 */
export const natHooked: Contender = async (lane, services) => {
  const table = `table ip hooked {
  chain prerouting {
    type nat hook prerouting priority -100;
  }
}
`;
  await conntrackOnly(lane, services);
  await must(nodeExec(lane).exec('nft', ['-f', '-'], { input: table }));
  return NOTHING;
};
