/** Owns whether an address lies in a network, a range, or behind a mask of any shape. Pure. */
import { ipBytes } from './address.ts';

type Bytes = readonly number[];

/** Bytes of a mask: a number of bits, or an address (masks of iptables may have gaps). */
function maskBytes(text: string, length: number): Bytes | undefined {
  if (!/^\d{1,3}$/.test(text)) return ipBytes(text);
  const bits = Number(text);
  return Array.from({ length }, (_, index) => {
    const left = Math.min(8, Math.max(0, bits - 8 * index));
    return (0xff << (8 - left)) & 0xff;
  });
}

/**
 * True if the address lies in `ADDRESS[/BITS|/MASK]`; undefined if the text is no such thing.
 * @param ip canonical text
 */
export function isInNetwork(ip: string, network: string): boolean | undefined {
  const [base = '', mask] = network.split('/', 2);
  const [bytes, wanted] = [ipBytes(ip), ipBytes(base)];
  if (bytes === undefined || wanted === undefined) return undefined;
  if (bytes.length !== wanted.length) return false;
  const bits = maskBytes(mask ?? String(wanted.length * 8), wanted.length);
  if (bits?.length !== wanted.length) return undefined;
  return bytes.every((byte, at) => (byte & (bits[at] ?? 0)) === ((wanted[at] ?? 0) & (bits[at] ?? 0)));
}

function compareBytes(a: Bytes, b: Bytes): number {
  for (const [index, byte] of a.entries()) {
    const difference = byte - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** True if the address lies between two others, both included; undefined if one of them is no address. */
export function isInRange(ip: string, first: string, last: string): boolean | undefined {
  const [bytes, low, high] = [ipBytes(ip), ipBytes(first), ipBytes(last)];
  if (bytes === undefined || low === undefined || high === undefined) return undefined;
  if (bytes.length !== low.length || bytes.length !== high.length) return false;
  return compareBytes(bytes, low) >= 0 && compareBytes(bytes, high) <= 0;
}
