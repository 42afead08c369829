/** Owns the parts of our table that do not depend on any service: base chains, dispatch, counting, masquerade. Pure. */
import type { Family } from '../../model/address.ts';
import { CONNECTIONS_SET, ENTRIES_MAP, HAIRPIN_SET, nftFamily } from './names.ts';

/** Packet mark (one bit) of connections that must be masqueraded; the same bit as in the iptables layout. */
const MARK = '0x00100000';
/** Rule that sets the mark. */
export const SET_MARK = `meta mark set meta mark | ${MARK}`;

/**
 * Priorities: 10 before those of everybody (dstnat -100, srcnat 100). All nat chains of a hook are asked in this order until one translates,
 * so that an entry, which is ours alone, is ours whatever foreign nat rules say; packets that are not for an entry pass on to them
 * unchanged. Conntrack (-200) has seen the packet before, and filters of others (0) see it translated, as with any nat.
 */
const BASE_CHAINS: readonly { readonly name: string; readonly hook: string }[] = [
  { name: 'prerouting', hook: 'type nat hook prerouting priority -110; policy accept;' },
  { name: 'output', hook: 'type nat hook output priority -110; policy accept;' },
  { name: 'postrouting', hook: 'type nat hook postrouting priority 90; policy accept;' },
  { name: 'input', hook: 'type nat hook input priority 90; policy accept;' },
];

/** Hook line of each base chain. */
export const HOOKS: ReadonlyMap<string, string> = new Map(BASE_CHAINS.map(({ name, hook }) => [name, hook]));

/** Names of the chains that are not of a service. */
export const FIXED_CHAINS: readonly string[] = ['dispatch', 'translated', 'count', ...HOOKS.keys()];

function makeSets(family: Family): ReadonlyMap<string, string> {
  const ip = family === 'ipv4' ? 'ipv4_addr' : 'ipv6_addr';
  return new Map([
    [ENTRIES_MAP, `type ${ip} . inet_proto . inet_service : verdict`],
    [HAIRPIN_SET, `type ${ip} . ${ip}`],
    [
      CONNECTIONS_SET,
      `type ${ip} . inet_proto . inet_service . ${ip} . inet_service; size 262144; flags dynamic`,
    ],
  ]);
}

/** What is not translated leaves postrouting after one comparison; a device is compared by its number, which costs less than by its name. */
function makeChains(family: Family): ReadonlyMap<string, readonly string[]> {
  const ip = nftFamily(family);
  const count = (protocol: string): string =>
    `update @${CONNECTIONS_SET} { ct original ${ip} daddr . meta l4proto . ct original proto-dst . ${ip} daddr . ${protocol} dport counter }`;
  const counts = [count('tcp'), count('udp')];
  return new Map([
    ['dispatch', [`${ip} daddr . meta l4proto . th dport vmap @${ENTRIES_MAP}`]],
    [
      'translated',
      [
        ...counts,
        `meta mark & ${MARK} == ${MARK} masquerade fully-random`,
        `oif != "lo" ${ip} saddr . ${ip} daddr @${HAIRPIN_SET} masquerade fully-random`,
      ],
    ],
    ['count', counts],
    ['prerouting', ['jump dispatch']],
    ['output', ['jump dispatch']],
    ['postrouting', ['ct status 0x20 goto translated']],
    ['input', ['ct status 0x20 goto count']],
  ]);
}

const SETS = { ipv4: makeSets('ipv4'), ipv6: makeSets('ipv6') };
const CHAINS = { ipv4: makeChains('ipv4'), ipv6: makeChains('ipv6') };

/** Definitions of the map and the sets that are not of a service, by name, as `nft list` prints their bodies, joined by `; `. */
export const fixedSets = (family: Family): ReadonlyMap<string, string> => SETS[family];

/** Rules of the fixed chains, as `nft -n list` prints them. */
export const fixedChains = (family: Family): ReadonlyMap<string, readonly string[]> => CHAINS[family];

/** What must be sent for a rule: nft leaves the match of the protocol out where another part of the rule implies it, but does not take it so. */
export function sentRule(listed: string): string {
  const counted = /^update .* (tcp|udp) dport counter \}$/.exec(listed)?.[1];
  return counted === undefined ? listed : `meta l4proto ${counted} ${listed}`;
}
