/** Owns which IP addresses can be entries and instances, and why the others cannot. Pure. */
import { ipBytes } from './address.ts';

interface Reserved {
  readonly bytes: readonly number[];
  readonly bits: number;
  readonly why: string;
}

/** Ranges of RFC 6890 and RFC 4291 that no packet between two machines can rightly carry, or that mean another machine on every node. */
const RESERVED: readonly Reserved[] = [
  { bytes: [0], bits: 8, why: '0.0.0.0/8 means "this host" and cannot be dialled' },
  { bytes: [127], bits: 8, why: '127.0.0.0/8 is loopback and means another machine on every node' },
  { bytes: [169, 254], bits: 16, why: '169.254.0.0/16 is link-local and valid on one link only' },
  { bytes: [224], bits: 4, why: '224.0.0.0/4 is multicast' },
  { bytes: [255, 255, 255, 255], bits: 32, why: '255.255.255.255 is the broadcast address' },
];

const zeros = (count: number): readonly number[] => Array.from({ length: count }, () => 0);
const RESERVED_V6: readonly Reserved[] = [
  { bytes: zeros(16), bits: 128, why: ':: means "no address" and cannot be dialled' },
  { bytes: [...zeros(15), 1], bits: 128, why: '::1 is loopback and means another machine on every node' },
  {
    bytes: [...zeros(10), 255, 255],
    bits: 96,
    why: '::ffff:0:0/96 holds IPv4 addresses: write the IPv4 address',
  },
  { bytes: [0xfe, 0x80], bits: 10, why: 'fe80::/10 is link-local and valid on one link only' },
  { bytes: [0xff], bits: 8, why: 'ff00::/8 is multicast' },
];

function isWithin(bytes: readonly number[], range: Reserved): boolean {
  return range.bytes.every((wanted, index) => {
    const bits = Math.min(8, Math.max(0, range.bits - 8 * index));
    const mask = (0xff << (8 - bits)) & 0xff;
    return ((bytes[index] ?? 0) & mask) === (wanted & mask);
  });
}

/**
 * Why an address can be neither an entry nor an instance, or undefined if it can.
 * @param ip canonical text
 */
export function reservedBecause(ip: string): string | undefined {
  const bytes = ipBytes(ip) ?? [];
  const ranges = bytes.length === 4 ? RESERVED : RESERVED_V6;
  return ranges.find((range) => isWithin(bytes, range))?.why;
}
