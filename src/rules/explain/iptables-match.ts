/** Owns the matches of iptables rules: whether each holds for the first packet of a connection. Pure. */
import { hairpinBytecode } from '../iptables/fixed-chains.ts';
import { isInNetwork, isInRange } from '../../model/network.ts';
import type { Flag, RuleWords } from './iptables-words.ts';
import { type Certainty, not, type Packet, sure } from './packet.ts';

type Test = (values: readonly string[], packet: Packet, words: RuleWords) => Certainty;

const PROTOCOLS: Readonly<Record<string, string>> = { '6': 'tcp', '17': 'udp' };
const maybe = (known: boolean | undefined): Certainty => (known === undefined ? 'maybe' : sure(known));

function network(ip: string | undefined, text: string | undefined): Certainty {
  return ip === undefined || text === undefined ? 'maybe' : maybe(isInNetwork(ip, text));
}

function range(ip: string | undefined, text: string | undefined): Certainty {
  const [first = '', last = first] = (text ?? '').split('-');
  return ip === undefined ? 'maybe' : maybe(isInRange(ip, first, last));
}

/** `80`, `80:90`, `:90` or a comma-separated list of them. */
function hasPort(text: string | undefined, port: number): boolean {
  return (text ?? '').split(',').some((part) => {
    const [first = '', last = first] = part.split(':');
    return port >= Number(first === '' ? 0 : first) && port <= Number(last === '' ? 65_535 : last);
  });
}

/** The source port is the client's choice. */
const anySourcePort = (text: string | undefined): Certainty =>
  /^(0?:65535|0?:|1:65535)$/.test(text ?? '') ? 'yes' : 'maybe';

/** Names of devices may end in `+`. */
function device(name: string | undefined, pattern: string | undefined): Certainty {
  if (name === undefined || pattern === undefined) return 'maybe';
  return sure(pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : name === pattern);
}

function marked(mark: number, text: string | undefined): Certainty {
  const [value = '', mask = '0xffffffff'] = (text ?? '').split('/');
  return sure((mark & Number(mask)) >>> 0 === Number(value));
}

/** State of the first packet of a connection. */
function ctState(text: string | undefined, packet: Packet): Certainty {
  const states = (text ?? '').split(',');
  if (!packet.tracked) return sure(states.includes('UNTRACKED'));
  return sure(
    states.includes('NEW') ||
      (states.includes('DNAT') && packet.translated) ||
      (states.includes('SNAT') && packet.masqueraded),
  );
}

/** The first packet carries SYN alone. */
function tcpFlags([mask = '', set = '']: readonly string[], packet: Packet): Certainty {
  if (packet.protocol !== 'tcp') return 'no';
  const looked = mask === 'ALL' || mask.split(',').includes('SYN');
  return sure(looked ? set === 'SYN' : set === 'NONE' || set === '');
}

/** addrtype knows more kinds; local or not is what can be told. */
function addressType(ip: string | undefined, text: string | undefined, packet: Packet): Certainty {
  if (ip === undefined) return 'maybe';
  const types = (text ?? '').split(',');
  if (packet.isLocal(ip)) return sure(types.includes('LOCAL'));
  if (types.every((type) => type === 'LOCAL')) return 'no';
  return types.includes('UNICAST') ? 'yes' : 'maybe';
}

const always: Test = () => 'yes';

/** Matches by flag. What is not here may match. */
const TESTS: Readonly<Record<string, Test>> = {
  '-s': ([text], { source }) => network(source, text),
  '-d': ([text], { destination }) => network(destination, text),
  '-p': ([text = ''], { protocol }) => sure(text === 'all' || (PROTOCOLS[text] ?? text) === protocol),
  '-i': ([text], { inDevice }) => device(inDevice, text),
  '-o': ([text], { outDevice }) => device(outDevice, text),
  '-f': () => 'no',
  '--dport': ([text], { port }) => sure(hasPort(text, port)),
  '--dports': ([text], { port }) => sure(hasPort(text, port)),
  '--sport': ([text]) => anySourcePort(text),
  '--sports': ([text]) => anySourcePort(text),
  '--ports': ([text], { port }) => (hasPort(text, port) ? 'yes' : 'maybe'),
  '--ctstate': ([text], packet) => ctState(text, packet),
  '--state': ([text], packet) => ctState(text, packet),
  '--ctorigdst': ([text], { original }) => network(original.ip, text),
  '--ctorigdstport': ([text], { original }) => sure(hasPort(text, original.port)),
  '--ctorigsrc': ([text], { source }) => network(source, text),
  '--ctproto': ([text = ''], { protocol }) => sure((PROTOCOLS[text] ?? text) === protocol),
  '--ctdir': ([text]) => sure(text === 'ORIGINAL'),
  '--tcp-flags': (values, packet) => tcpFlags(values, packet),
  // Without a rule of ours that sets it, a connection's own mark is 0.
  '--mark': ([text], { mark }, { modules }) => marked(modules.includes('connmark') ? 0 : mark, text),
  '--dst-type': ([text], packet) => addressType(packet.destination, text, packet),
  '--src-type': ([text], packet) => addressType(packet.source, text, packet),
  '--src-range': ([text], { source }) => range(source, text),
  '--dst-range': ([text], { destination }) => range(destination, text),
  '--comment': always,
  '--bytecode': ([text], { family, source, destination }) =>
    text === hairpinBytecode(family) && source !== undefined ? sure(source === destination) : 'maybe',
  // Writes the client down; whether it was there before is what the others of this module ask.
  '--set': always,
  '--mode': always,
  '--probability': always,
  '--every': always,
  '--packet': always,
};

/** Flags that only say how another one of their module is meant. */
const MANNERS = new Set(['--name', '--mask', '--rsource', '--rdest', '--hashlimit-name', '--reject-with']);

/** Modules whose flags are all above, or which need none. */
const PLAIN_MODULES = new Set(
  ['tcp udp comment conntrack state multiport mark connmark addrtype iprange statistic bpf recent'].flatMap(
    (names) => names.split(' '),
  ),
);

/** How a rule's matches come out. */
export interface Matching {
  readonly match: Certainty;
  readonly unknown: readonly string[];
}

/** Fraction of the packets that `-m statistic` lets through; 1 without one. */
export function chanceOf(words: RuleWords): number {
  const value = (name: string): number | undefined => {
    const text = words.matches.find((flag) => flag.name === name)?.values[0];
    return text === undefined ? undefined : Number(text);
  };
  const every = value('--every');
  const chance = value('--probability') ?? (every === undefined ? 1 : 1 / every);
  const isNegated = words.matches.some(
    ({ name, negated }) => negated && (name === '--probability' || name === '--every'),
  );
  return isNegated ? 1 - chance : chance;
}

const isChance = ({ name }: Flag): boolean => name === '--probability' || name === '--every';

/** Holds all matches of a rule against a packet. */
export function matchRule(words: RuleWords, packet: Packet): Matching {
  const unknown: string[] = [];
  const strangers = words.modules.filter((name) => !PLAIN_MODULES.has(name));
  for (const flag of words.matches) {
    if (MANNERS.has(flag.name) || isChance(flag)) continue;
    const found = TESTS[flag.name]?.(flag.values, packet, words) ?? 'maybe';
    const result = flag.negated ? not(found) : found;
    if (result === 'no') return { match: 'no', unknown: [] };
    if (result === 'maybe') unknown.push(flag.text);
  }
  if (unknown.length === 0) unknown.push(...strangers.map((name) => `-m ${name}`));
  return { match: unknown.length > 0 ? 'maybe' : 'yes', unknown };
}
