/** Owns the rules that do not depend on any service: the hooks, the split by protocol, masquerade. Pure. */
import type { Family } from '../../model/address.ts';
import type { Chain } from './chains.ts';
import { ENTRIES_CHAIN, POST_CHAIN, ROOT_CHAINS } from './chain-names.ts';

/** A jump of ours in a built-in chain of the nat table. */
export interface Hook {
  readonly builtin: 'PREROUTING' | 'OUTPUT' | 'POSTROUTING';
  readonly chain: string;
}

/**
 * Where our chains are hooked. Each is inserted first in its built-in chain, as kube-proxy does: entries are ours alone, and a foreign
 * rule that accepts or masquerades everything would hide rules behind it. Packets that are not for an entry come back unchanged.
 */
export const HOOKS: readonly Hook[] = [
  { builtin: 'PREROUTING', chain: ENTRIES_CHAIN },
  { builtin: 'OUTPUT', chain: ENTRIES_CHAIN },
  { builtin: 'POSTROUTING', chain: POST_CHAIN },
];

/** Packet mark (one bit) of connections that must be masqueraded; kube-proxy uses 0x4000 and 0x8000. */
export const MASQUERADE_MARK = '0x100000/0x100000';

/** Classic BPF code words: load a 32-bit word at an offset, copy it to X, compare with X, return. */
const [LOAD, TO_X, IF_X_EQUAL, RETURN] = [32, 7, 29, 6];

/**
 * BPF bytecode "source address = destination address", in xt_bpf's text form, for one rule that finds hairpins of all services.
 * Offsets are from the IP header: 12 and 16 in IPv4, 8 and 24 in IPv6, there in four words.
 */
export function hairpinBytecode(family: Family): string {
  const { source, destination, words } =
    family === 'ipv4' ? { source: 12, destination: 16, words: 1 } : { source: 8, destination: 24, words: 4 };
  const length = words * 4 + 2;
  const code: string[] = [];
  for (let word = 0; word < words; word += 1) {
    const toReturnFalse = length - 1 - (word * 4 + 4);
    code.push(
      `${LOAD} 0 0 ${source + word * 4}`,
      `${TO_X} 0 0 0`,
      `${LOAD} 0 0 ${destination + word * 4}`,
      `${IF_X_EQUAL} 0 ${toReturnFalse} 0`,
    );
  }
  return [length, ...code, `${RETURN} 0 0 65535`, `${RETURN} 0 0 0`].join(',');
}

/** Our permanent chains but for the roots of the trie. They stay while anything of ours is installed, so that NAT stays hooked. */
export function fixedChains(family: Family): readonly Chain[] {
  // The match that hardly ever holds comes first, so that the others are hardly ever asked.
  const hairpin = `! -o lo -m bpf --bytecode "${hairpinBytecode(family)}" -m conntrack --ctstate DNAT`;
  return [
    {
      name: ENTRIES_CHAIN,
      lines: [
        `-A ${ENTRIES_CHAIN} -p tcp -g ${ROOT_CHAINS.tcp}`,
        `-A ${ENTRIES_CHAIN} -p udp -g ${ROOT_CHAINS.udp}`,
      ],
    },
    {
      name: POST_CHAIN,
      lines: [
        `-A ${POST_CHAIN} -m mark --mark ${MASQUERADE_MARK} -j MASQUERADE --random-fully`,
        `-A ${POST_CHAIN} ${hairpin} -j MASQUERADE --random-fully`,
      ],
    },
  ];
}
