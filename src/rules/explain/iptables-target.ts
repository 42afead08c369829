/** Owns the targets of iptables rules: what a rule does with a packet that it matches. Pure. */
import { canonicalIp } from '../../model/address.ts';
import type { Verdict } from './live.ts';
import type { RuleWords } from './iptables-words.ts';
import type { Packet } from './packet.ts';

/** Targets that leave the packet's way as it is. */
const PASSING = new Set(
  'LOG NFLOG TRACE AUDIT CONNMARK TCPMSS TCPOPTSTRIP TOS DSCP CLASSIFY CHECKSUM SET SECMARK CONNSECMARK ECN TTL HL IDLETIMER RATEEST LED HMARK'.split(
    ' ',
  ),
);
const PLAIN: Readonly<Record<string, 'accept' | 'drop' | 'reject' | 'return'>> = {
  ACCEPT: 'accept',
  DROP: 'drop',
  REJECT: 'reject',
  RETURN: 'return',
};

/** `1.2.3.4:80`, `[fd00::1]:80`, `:80`, `1.2.3.4`; a part that is a range is not one place and left undefined. */
export function destinationOf(text: string): {
  readonly ip: string | undefined;
  readonly port: number | undefined;
} {
  const match = /^(?:\[([^\]]*)\]|([^:[]*)|([0-9a-fA-F:]+))(?::(\d+)(?:-\d+)?)?$/.exec(text);
  const ip = match?.[1] ?? match?.[2] ?? match?.[3] ?? '';
  return {
    ip: canonicalIp(ip),
    port: match?.[4] === undefined || /:\d+-\d+$/.test(text) ? undefined : Number(match[4]),
  };
}

function option({ options }: RuleWords, name: string): string | undefined {
  return options.find((flag) => flag.name === name)?.values[0];
}

/** What the target does. `isChain` tells chains of the table from targets. */
export function verdictOf(words: RuleWords, isChain: (name: string) => boolean): Verdict {
  const { target } = words;
  if (target === undefined) return { kind: 'next' };
  const { name, isGoto } = target;
  if (isChain(name)) return { kind: isGoto ? 'goto' : 'jump', chain: name };
  const plain = PLAIN[name];
  if (plain !== undefined) return { kind: plain };
  switch (name) {
    case 'DNAT': {
      const text = option(words, '--to-destination') ?? '';
      return { kind: 'dnat', ...destinationOf(text), text };
    }
    case 'REDIRECT': {
      const port = option(words, '--to-ports');
      return { kind: 'redirect', port: port === undefined || port.includes('-') ? undefined : Number(port) };
    }
    case 'MASQUERADE':
    case 'SNAT':
      return { kind: 'snat', text: option(words, '--to-source') ?? "the node's address" };
    case 'MARK':
    case 'NOTRACK':
    case 'CT':
      return { kind: 'next' };
  }
  return PASSING.has(name) ? { kind: 'next' } : { kind: 'unknown', text: name };
}

/** The packet after a target that changes marks or tracking. */
export function packetAfter(words: RuleWords, packet: Packet): Packet {
  const name = words.target?.name;
  if (name === 'NOTRACK' || (name === 'CT' && words.options.some((flag) => flag.name === '--notrack')))
    return { ...packet, tracked: false };
  const set = name === 'MARK' ? option(words, '--set-xmark') : undefined;
  if (set === undefined) return packet;
  const [value = '0', mask = '0xffffffff'] = set.split('/');
  return { ...packet, mark: ((packet.mark & ~Number(mask)) ^ Number(value)) >>> 0 };
}
