/**
 * Owns the numbers of transport protocols in IP headers. Programs print a number where the node has no `/etc/protocols` (a minimal Debian
 * has none), or where they are asked to. Pure.
 */
import type { Protocol } from '../model/address.ts';

const NUMBERS: Readonly<Record<Protocol, number>> = { tcp: 6, udp: 17 };

/** The number of a protocol (IANA's protocol numbers), as nft prints it with `-n`. */
export const protocolNumber = (protocol: Protocol): number => NUMBERS[protocol];

/** The protocol with this number, or with this name; undefined for others. */
export function protocolOf(text: string): Protocol | undefined {
  if (text === 'tcp' || text === '6') return 'tcp';
  return text === 'udp' || text === '17' ? 'udp' : undefined;
}
