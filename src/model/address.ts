/** Owns IP addresses, ports and protocols: their canonical text, parsing and order. Pure. */
import { SluiceError } from '../errors.ts';
import { quoteValue } from './text.ts';

/** IP family. */
export type Family = 'ipv4' | 'ipv6';

/** Transport protocol of an entry. */
export type Protocol = 'tcp' | 'udp';

/** An IP address with a port; `ip` is canonical text (RFC 5952 for IPv6, four plain decimals for IPv4). */
export interface Address {
  readonly ip: string;
  readonly port: number;
}

const [ZERO, DOT] = [48, 46];
const IPV6_GROUP = /^[0-9a-f]{1,4}$/;
const PORT = /^[1-9][0-9]{0,4}$/;

/**
 * True for four plain decimals 0-255 with dots between them. Leading zeros (`010.0.0.1`) are refused: tools read them as octal. Without a regular
 * expression or an array: 200,000 addresses are read when 50,000 instances are put into a kernel.
 */
function isIpv4(text: string): boolean {
  if (text.length > 15) return false;
  let [octets, digits, value] = [1, 0, 0];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === DOT) {
      if (digits === 0) return false;
      octets += 1;
      [digits, value] = [0, 0];
      continue;
    }
    const digit = code - ZERO;
    if (digit < 0 || digit > 9 || (digits > 0 && value === 0)) return false;
    digits += 1;
    value = value * 10 + digit;
    if (value > 255) return false;
  }
  return octets === 4 && digits > 0;
}

/** The four octets of a canonical IPv4 address, or undefined. */
function ipv4Octets(text: string): readonly number[] | undefined {
  return isIpv4(text) ? text.split('.').map(Number) : undefined;
}

/** Groups of one side of `::`. */
const groupsOf = (half: string): readonly string[] => (half === '' ? [] : half.split(':'));

/** The eight 16-bit groups of an IPv6 address in any valid spelling (lower case), or undefined. No zone, no embedded IPv4. */
function ipv6Groups(text: string): readonly number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] ?? '');
  const tail = groupsOf(halves[1] ?? '');
  if (![...head, ...tail].every((group) => IPV6_GROUP.test(group))) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const zeros = Array.from({ length: missing }, () => '0');
  return [...head, ...zeros, ...tail].map((group) => Number.parseInt(group, 16));
}

/** RFC 5952 text of eight groups: the longest run of two or more zeros (the first of equals) becomes `::`. */
function formatIpv6(groups: readonly number[]): string {
  let bestStart = -1;
  let bestLength = 1;
  for (let start = 0; start < 8; start += 1) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length += 1;
    if (length > bestLength) [bestStart, bestLength] = [start, length];
  }
  const hex = groups.map((group) => group.toString(16));
  if (bestStart < 0) return hex.join(':');
  return `${hex.slice(0, bestStart).join(':')}::${hex.slice(bestStart + bestLength).join(':')}`;
}

/** Bytes of a canonical address: 4 or 16 numbers 0-255; undefined if the text is no address. */
export function ipBytes(text: string): readonly number[] | undefined {
  const octets = ipv4Octets(text);
  if (octets !== undefined) return octets;
  return ipv6Groups(text.toLowerCase())?.flatMap((group) => [group >> 8, group & 0xff]);
}

/** Family of an address; text that is no address counts as IPv4 never: undefined. */
export function familyOf(ip: string): Family | undefined {
  if (isIpv4(ip)) return 'ipv4';
  return ipv6Groups(ip.toLowerCase()) === undefined ? undefined : 'ipv6';
}

/**
 * Canonical text of an IP address, or undefined if it is none. IPv4 with leading zeros and IPv4 inside IPv6 are none.
 * IPv6 in any spelling is brought to RFC 5952.
 */
export function canonicalIp(text: string): string | undefined {
  if (isIpv4(text)) return text;
  const groups = text.length > 39 ? undefined : ipv6Groups(text.toLowerCase());
  return groups === undefined ? undefined : formatIpv6(groups);
}

/** A port number 1-65535 from plain ASCII decimals without sign or leading zero, or undefined. */
export function parsePort(text: string): number | undefined {
  const port = PORT.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
}

/** `10.0.0.1:80` or `[fd00::1]:80`. */
export function formatAddress(address: Address): string {
  return address.ip.includes(':') ? `[${address.ip}]:${address.port}` : `${address.ip}:${address.port}`;
}

/**
 * Parses `IP:PORT` or `[IPv6]:PORT`.
 * @param text as typed
 * @param field name of the field for the error
 * @throws SluiceError `invalid-spec` naming field, value and what is allowed
 */
export function parseAddress(text: string, field = 'address'): Address {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):([^:]*)$/.exec(text);
  const ip = match === null ? undefined : canonicalIp(match[1] ?? match[2] ?? '');
  const port = parsePort(match?.[3] ?? '');
  const bracketed = match?.[1] !== undefined;
  if (match === null || ip === undefined || bracketed !== ip.includes(':')) {
    throw invalidAddress(field, text, 'IP:PORT with a numeric IP, e.g. 10.0.1.11:8080 or [fd00::1]:8080');
  }
  if (port === undefined) throw invalidAddress(field, text, 'a port from 1 to 65535');
  return { ip, port };
}

function invalidAddress(field: string, value: string, allowed: string): SluiceError {
  return new SluiceError('invalid-spec', `${field}: ${quoteValue(value)} is not an address`, {
    why: `${field} must be ${allowed}`,
    fix: 'write the address in numbers, without leading zeros; host names are not looked up',
    details: { field, value, allowed },
  });
}

/** Order of addresses: IPv4 before IPv6, then by bytes, then by port. */
export function compareAddresses(a: Address, b: Address): number {
  const left = ipBytes(a.ip) ?? [];
  const right = ipBytes(b.ip) ?? [];
  if (left.length !== right.length) return left.length - right.length;
  for (const [index, byte] of left.entries()) {
    const difference = byte - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.port - b.port;
}
