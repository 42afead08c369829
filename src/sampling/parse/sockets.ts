/** Owns the answer of the program that counts sockets, and what of it is an instance's. Pure. */
import { ipBytes } from '../../model/address.ts';

/** A number by address (hexadecimal digits) and port. */
type ByAddress = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** Sockets by the address that they are bound to. */
export interface Sockets {
  readonly established: ByAddress;
  /** Connections that wait to be accepted, of each address that is listened on. */
  readonly waiting: ByAddress;
}

/** Connections of one instance. */
export interface Connections {
  readonly connections: number;
  readonly acceptQueue: number;
}

const LINE = /^([cl]) ([0-9a-f]{8}|[0-9a-f]{32}) ([0-9]{1,5}) ([0-9]{1,9})$/;
const ANY = ['0'.repeat(8), '0'.repeat(32)];

/** Reads an answer up to and with its last line; undefined if it is not understood. */
export function parseSockets(answer: string): Sockets | undefined {
  const lines = answer.split('\n');
  if (lines.at(-1) !== '' || lines.at(-2) !== 'end') return undefined;
  const found = {
    c: new Map<string, Map<number, number>>(),
    l: new Map<string, Map<number, number>>(),
  };
  for (const line of lines.slice(0, -2)) {
    const [, kind, address = '', port = '', count] = LINE.exec(line) ?? [];
    if (kind !== 'c' && kind !== 'l') return undefined;
    const ports = found[kind].get(address) ?? new Map<number, number>();
    found[kind].set(address, ports.set(Number(port), Number(count)));
  }
  return { established: found.c, waiting: found.l };
}

/** Digits of an address as the program prints it; undefined if it is none. */
function hexOf(ip: string): string | undefined {
  return ipBytes(ip)
    ?.map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');
}

/**
 * Finds connections of what listens on an address. A socket that listens on all addresses is the instance's; its queue is told for it.
 * @returns called, undefined if nobody listens there: the instance is not up, or is in another network namespace
 */
export function connectionsIn({
  established,
  waiting,
}: Sockets): (at: { readonly ip: string; readonly port: number }) => Connections | undefined {
  // The instances of a node have few addresses.
  const digits = new Map<string, string | undefined>();
  return ({ ip, port }) => {
    const hex = digits.has(ip) ? digits.get(ip) : hexOf(ip);
    digits.set(ip, hex);
    if (hex === undefined) return undefined;
    let acceptQueue: number | undefined;
    for (const address of [hex, ...ANY]) {
      const queue = waiting.get(address)?.get(port);
      if (queue !== undefined) acceptQueue = (acceptQueue ?? 0) + queue;
    }
    if (acceptQueue === undefined) return undefined;
    return { connections: established.get(hex)?.get(port) ?? 0, acceptQueue };
  };
}
