/** Owns what an nftables expression reads from the packet, and whether that equals what a rule compares it with. Pure. */
import { isInNetwork, isInRange } from '../../model/network.ts';
import { protocolOf } from '../protocol-number.ts';
import {
  asList,
  asObject,
  asText,
  elementOf,
  elementsOf,
  type Json,
  type NamedSets,
  single,
} from './nft-words.ts';
import { both, type Certainty, either, not, type Packet, sure } from './packet.ts';

/** A value of the packet: text, number, several (a concatenation); `absent` = the packet has none, `unknown` = it cannot be told. */
export type Value =
  | { readonly kind: 'one'; readonly value: string | number }
  | { readonly kind: 'many'; readonly values: readonly Value[] }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unknown' };

const UNKNOWN: Value = { kind: 'unknown' };
const one = (value: string | number | undefined): Value =>
  value === undefined ? UNKNOWN : { kind: 'one', value };

function payload({ protocol, field }: Json, packet: Packet): Value {
  const family = packet.family === 'ipv4' ? 'ip' : 'ip6';
  if (protocol === 'ip' || protocol === 'ip6') {
    if (protocol !== family) return { kind: 'absent' };
    if (field === 'daddr') return one(packet.destination);
    if (field === 'saddr') return one(packet.source);
    return field === 'protocol' || field === 'nexthdr' ? one(packet.protocol) : UNKNOWN;
  }
  if (protocol !== 'th' && protocol !== packet.protocol)
    return protocol === 'tcp' || protocol === 'udp' || protocol === 'icmp' || protocol === 'icmpv6'
      ? { kind: 'absent' }
      : UNKNOWN;
  return field === 'dport' ? one(packet.port) : UNKNOWN;
}

function meta(key: unknown, packet: Packet): Value {
  switch (key) {
    case 'l4proto':
      return one(packet.protocol);
    case 'nfproto':
      return one(packet.family);
    case 'protocol':
      return one(packet.family === 'ipv4' ? 'ip' : 'ip6');
    case 'mark':
      return one(packet.mark);
    case 'iif':
    case 'iifname':
      return one(packet.inDevice);
    case 'oif':
    case 'oifname':
      return one(packet.outDevice);
    case 'pkttype':
      return one('host');
  }
  return UNKNOWN;
}

function conntrack({ key, dir }: Json, packet: Packet): Value {
  if (key === 'mark') return one(0);
  if (key === 'direction') return one('original');
  if (dir !== undefined && dir !== 'original') return UNKNOWN;
  switch (key) {
    case 'ip daddr':
    case 'ip6 daddr':
    case 'daddr':
      return one(packet.original.ip);
    case 'ip saddr':
    case 'ip6 saddr':
    case 'saddr':
      return one(packet.source);
    case 'proto-dst':
      return one(packet.original.port);
    case 'protocol':
      return one(packet.protocol);
  }
  return UNKNOWN;
}

function fib({ result, flags }: Json, packet: Packet): Value {
  const of = asList(flags).map(asText);
  if (result !== 'type' || of.length !== 1) return UNKNOWN;
  const ip = of[0] === 'daddr' ? packet.destination : of[0] === 'saddr' ? packet.source : undefined;
  if (ip === undefined) return UNKNOWN;
  return one(packet.isLocal(ip) ? 'local' : 'unicast');
}

function arithmetic(operator: string, operands: unknown, packet: Packet): Value {
  const [left, right] = asList(operands).map((operand) => valueOf(operand, packet));
  if (left?.kind !== 'one' || right?.kind !== 'one') return UNKNOWN;
  const [a, b] = [left.value, right.value];
  if (typeof a !== 'number' || typeof b !== 'number') return UNKNOWN;
  const result = operator === '&' ? a & b : operator === '|' ? a | b : a ^ b;
  return one(result >>> 0);
}

/** The value of an expression for the packet. */
export function valueOf(expression: unknown, packet: Packet): Value {
  if (typeof expression === 'string' || typeof expression === 'number') return one(expression);
  const [kind, inner] = single(expression);
  const fields = asObject(inner) ?? {};
  switch (kind) {
    case 'payload':
      return payload(fields, packet);
    case 'meta':
      return meta(fields['key'], packet);
    case 'ct':
      return conntrack(fields, packet);
    case 'fib':
      return fib(fields, packet);
    case 'concat':
      return { kind: 'many', values: asList(inner).map((part) => valueOf(part, packet)) };
    case '&':
    case '|':
    case '^':
      return arithmetic(kind, inner, packet);
  }
  return UNKNOWN;
}

/** Names of devices may end in `*`. */
function equalText(value: string, wanted: string): boolean {
  return wanted.endsWith('*') ? value.startsWith(wanted.slice(0, -1)) : value === wanted;
}

function equalOne(value: string | number, wanted: unknown): Certainty {
  const [kind, inner] = single(wanted);
  if (kind === 'prefix') {
    const { addr, len } = asObject(inner) ?? {};
    const inside = isInNetwork(asText(value), `${asText(addr)}/${asText(len)}`);
    return inside === undefined ? 'maybe' : sure(inside);
  }
  if (kind === 'range') {
    const [first, last] = asList(inner);
    if (typeof value === 'number') return sure(value >= Number(first) && value <= Number(last));
    const inside = isInRange(value, asText(first), asText(last));
    return inside === undefined ? 'maybe' : sure(inside);
  }
  if (typeof wanted === 'string' && typeof value === 'string') return sure(equalText(value, wanted));
  if (typeof wanted === 'number' && typeof value === 'number') return sure(wanted === value);
  // A protocol by its number, where the node knows no names.
  if (typeof value === 'string' && protocolOf(value) !== undefined)
    return sure(protocolOf(value) === protocolOf(asText(wanted)));
  // A name where the packet has a number, or the other way round (ports by name).
  return typeof wanted === 'boolean'
    ? 'maybe'
    : Number.isNaN(Number(wanted))
      ? 'maybe'
      : sure(Number(wanted) === Number(value));
}

/** Whether a value is what is wanted: a value, a prefix, a range, a concatenation, a set of them or `@name`. */
export function equals(value: Value, wanted: unknown, sets: NamedSets): Certainty {
  if (value.kind === 'absent') return 'no';
  const elements = elementsOf(wanted, sets);
  if (elements === undefined) return 'maybe';
  const isSet = elements.length !== 1 || elements[0] !== wanted;
  if (isSet) {
    return elements.reduce<Certainty>((any, each) => either(any, equals(value, elementOf(each), sets)), 'no');
  }
  if (wanted === '*') return 'yes';
  if (value.kind === 'unknown') return 'maybe';
  if (value.kind === 'one') return equalOne(value.value, wanted);
  const parts = asList(asObject(wanted)?.['concat']);
  return value.values.reduce<Certainty>((all, part, at) => both(all, equals(part, parts[at], sets)), 'yes');
}

/** States that the first packet of a connection has. */
function ctStates(packet: Packet): readonly string[] {
  return packet.tracked ? ['new'] : ['untracked'];
}

function ctStatus(packet: Packet): readonly string[] {
  return [...(packet.translated ? ['dnat'] : []), ...(packet.masqueraded ? ['snat'] : [])];
}

/** Bits that have names: `ct state new,established`, `ct status dnat`; undefined for other expressions. */
function bitsOf(expression: unknown, packet: Packet): readonly string[] | undefined {
  const key = asObject(asObject(expression)?.['ct'])?.['key'];
  return key === 'state' ? ctStates(packet) : key === 'status' ? ctStatus(packet) : undefined;
}

/** Whether `left op right` holds. */
export function compare(
  expression: { readonly op: unknown; readonly left: unknown; readonly right: unknown },
  packet: Packet,
  sets: NamedSets,
): Certainty {
  const { op, left, right } = expression;
  const bits = bitsOf(left, packet);
  if (bits !== undefined) {
    const wanted = elementsOf(right, sets)?.flatMap(asList).map(asText);
    if (wanted === undefined) return 'maybe';
    const has = sure(bits.some((bit) => wanted.includes(bit)));
    return op === '!' || op === '!=' ? not(has) : has;
  }
  if (isTcpFlags(left)) return packet.protocol === 'tcp' ? compareFlags(left, op, right) : 'no';
  const value = valueOf(left, packet);
  if (value.kind === 'absent') return 'no';
  if (op === '==' || op === 'in') return equals(value, right, sets);
  if (op === '!=' || op === '!') return not(equals(value, right, sets));
  if (value.kind !== 'one' || typeof value.value !== 'number' || typeof right !== 'number') return 'maybe';
  const difference = value.value - right;
  const holds: Readonly<Record<string, boolean>> = {
    '<': difference < 0,
    '>': difference > 0,
    '<=': difference <= 0,
    '>=': difference >= 0,
  };
  const held = holds[asText(op)];
  return held === undefined ? 'maybe' : sure(held);
}

const flagsField = (expression: unknown): boolean => {
  const fields = asObject(asObject(expression)?.['payload']);
  return fields?.['protocol'] === 'tcp' && fields['field'] === 'flags';
};

function isTcpFlags(left: unknown): boolean {
  return flagsField(left) || flagsField(asList(asObject(left)?.['&'])[0]);
}

/** The first packet carries SYN alone. */
function compareFlags(left: unknown, op: unknown, right: unknown): Certainty {
  const mask = asList(asList(asObject(left)?.['&'])[1]).map(asText);
  const seen = flagsField(left) || mask.includes('syn') ? ['syn'] : [];
  const wanted = asList(right)
    .map(asText)
    .filter((name) => name !== '0');
  if (op === 'in') return sure(seen.some((name) => wanted.includes(name)));
  if (op === '!') return sure(!seen.some((name) => wanted.includes(name)));
  const same = wanted.length === seen.length && wanted.every((name) => seen.includes(name));
  return op === '==' ? sure(same) : op === '!=' ? sure(!same) : 'maybe';
}
