/** Owns the words entry range and allocation: addresses from which apps that no service draws from get an entry of their own. Pure. */
import { SluiceError } from '../errors.ts';
import { canonicalIp, ipBytes, type Protocol } from './address.ts';
import type { Entry } from './entry.ts';
import { reservedBecause } from './reserved.ts';
import { quoteValue } from './text.ts';

/** Addresses to be had, as stored under `entry-range/<name>`. */
export interface EntryRange {
  readonly name: string;
  /** `10.96.128.0/20`. */
  readonly network: string;
  /** Of every entry. */
  readonly port: number;
  readonly protocol: Protocol;
  /** How long an app may be gone before its entry is released. */
  readonly keepSeconds: number;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
}

/** What an app got, as stored under `allocation/<app>`: first written, then published. */
export interface Allocation {
  readonly app: string;
  readonly service: string;
  readonly entry: Entry;
  /** The range that it is of; `keepSeconds` as it was then. */
  readonly range: string;
  readonly keepSeconds: number;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
}

/** Addresses of a network. */
export interface Addresses {
  readonly size: number;
  /** @param index from 0 to size - 1 */
  readonly at: (index: number) => string;
}

/** So many of a larger network are used: more than there can be services. */
const MAX_SIZE = 65_536;
/** What a network may look like, in words. */
const NETWORK_RULE = 'an address and a length, with nothing behind the length: 10.96.128.0/20';

function textOf(bytes: readonly number[]): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[2 * index] ?? 0) << 8) | (bytes[2 * index + 1] ?? 0)).toString(16),
  );
  return canonicalIp(groups.join(':')) ?? '';
}

/** The address so many after another. */
function plus(bytes: readonly number[], count: number): readonly number[] {
  const sum = [...bytes];
  for (let [at, left] = [sum.length - 1, count]; at >= 0 && left > 0; at -= 1) {
    const value = (sum[at] ?? 0) + left;
    sum[at] = value % 256;
    left = Math.floor(value / 256);
  }
  return sum;
}

/** Addresses of `ADDRESS/LENGTH` that may be entries; undefined if it is no network, or of addresses that are spoken for. */
export function addressesOf(network: string): Addresses | undefined {
  const [, base = '', length = ''] = /^([^/]+)\/(0|[1-9]\d{0,2})$/.exec(network) ?? [];
  const bytes = ipBytes(base);
  const bits = Number(length);
  if (bytes === undefined || canonicalIp(base) !== base || length === '') return undefined;
  const free = bytes.length * 8 - bits;
  if (bits < 8 || free < 0 || reservedBecause(base) !== undefined) return undefined;
  const isBase = bytes.every((byte, at) => (byte & (0xff >> Math.min(8, Math.max(0, bits - 8 * at)))) === 0);
  if (!isBase) return undefined;
  const all = Math.min(MAX_SIZE, 2 ** free);
  // Of an IPv4 network of some size neither the first nor the last: neither looks like an address of something.
  const spared = bytes.length === 4 && free > 1 ? 1 : 0;
  const isWhole = all === 2 ** free;
  return { size: all - spared - (isWhole ? spared : 0), at: (index) => textOf(plus(bytes, index + spared)) };
}

/** A network in its one spelling. @throws SluiceError `invalid-spec` */
export function parseNetwork(text: string, field: string): string {
  if (addressesOf(text) !== undefined) return text;
  throw new SluiceError('invalid-spec', `${field}: ${quoteValue(text)} is no network of addresses to use`, {
    why: `it must be ${NETWORK_RULE}`,
    fix: `write for example ${field} 10.96.128.0/20`,
    details: { field, value: text.slice(0, 80), allowed: NETWORK_RULE },
  });
}
