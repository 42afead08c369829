/**
 * Owns reading who listens for TCP connections in this network namespace, and how many wait to be taken: the head of the kernel's tables. On a
 * node with few connections that costs up to 2 ms, as the kernel searches its table for the next one.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { type Address, ipBytes } from '../../model/address.ts';

/** Connections to an address that nobody has taken yet; undefined: no listener for it can be seen. */
export type Waiting = (address: Address) => number | undefined;

/** Listeners of all other programs of a node included; far above what a node has. */
const MAX_BYTES = 1024 * 1024;
const LISTENING = '0A';
/** A page: what the kernel gives at most at a time. */
const chunk = Buffer.allocUnsafeSlow(4_096);

/**
 * Adds up the receive queues of listeners: of a listener that is the number of connections that wait to be taken.
 * @param lines of /proc/net/tcp, whole ones without the headings
 * @param found by local address, as the kernel writes it
 * @returns false if something else than a listener was found: listeners come first
 */
export function addListeners(lines: readonly string[], found: Map<string, number>): boolean {
  for (const line of lines) {
    const [, local = '', , state, queues = ''] = line.trim().split(/\s+/, 5);
    if (state !== LISTENING) return false;
    const waiting = Number.parseInt(queues.slice(queues.indexOf(':') + 1), 16);
    found.set(local, (found.get(local) ?? 0) + waiting);
  }
  return true;
}

/** Reads no further than to the first connection: there may be very many. What cannot be read is not seen. */
function readTable(file: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return found; // IPv6 is off
  }
  try {
    let rest = '';
    let isHead = true;
    for (let bytes = 0; bytes < MAX_BYTES;) {
      const count = readSync(fd, chunk, 0, chunk.length, null);
      if (count === 0) break;
      bytes += count;
      const lines = (rest + chunk.toString('latin1', 0, count)).split('\n');
      rest = lines.pop() ?? '';
      if (!addListeners(isHead ? lines.slice(1) : lines, found)) break;
      isHead = false;
    }
  } catch {
    return found; // no memory
  } finally {
    closeSync(fd);
  }
  return found;
}

const ANY_IPV4 = '0'.repeat(8);
const ANY_IPV6 = '0'.repeat(32);
/** `::ffff:0:0`, of which the last 32 bits are the IPv4 address. */
const MAPPED = '0000000000000000FFFF0000';

interface Locals {
  readonly tcp: readonly string[];
  readonly tcp6: readonly string[];
}

/** The same few addresses are asked for again and again. */
const known = new WeakMap<Address, Locals>();

/** Listeners that connections to an address may reach, as the tables write them: 32-bit words in the byte order of a little-endian machine. */
function localsOf(address: Address): Locals {
  const { ip, port } = address;
  const before = known.get(address);
  if (before !== undefined) return before;
  const own = Buffer.from(ipBytes(ip) ?? [])
    .swap32()
    .toString('hex')
    .toUpperCase();
  const at = (host: string): string => `${host}:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const locals =
    own.length === ANY_IPV4.length
      ? { tcp: [at(own), at(ANY_IPV4)], tcp6: [at(MAPPED + own), at(ANY_IPV6)] }
      : { tcp: [], tcp6: [at(own), at(ANY_IPV6)] };
  known.set(address, locals);
  return locals;
}

/** Sum over those that are there. */
function sumOf(table: ReadonlyMap<string, number>, locals: readonly string[]): number | undefined {
  let sum: number | undefined;
  for (const local of locals) {
    const waiting = table.get(local);
    if (waiting !== undefined) sum = (sum ?? 0) + waiting;
  }
  return sum;
}

/** Looks at the kernel. A program may listen on an IPv4 address by an IPv6 socket: that table is read when one is not in the other. */
export function readListeners(): Waiting {
  const tcp = readTable('/proc/net/tcp');
  let tcp6: ReadonlyMap<string, number> | undefined;
  return (address) => {
    const locals = localsOf(address);
    const waiting = sumOf(tcp, locals.tcp);
    if (waiting !== undefined) return waiting;
    tcp6 ??= readTable('/proc/net/tcp6');
    return sumOf(tcp6, locals.tcp6);
  };
}
