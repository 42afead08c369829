/** Owns which sockets of this machine listen on an address of their own, from /proc/net. Reads only. */
import { canonicalIp } from '../model/address.ts';
import { readKernelFile } from './machine.ts';

const TABLES = [
  { file: 'tcp', protocol: 'tcp', state: '0A' },
  { file: 'tcp6', protocol: 'tcp', state: '0A' },
  { file: 'udp', protocol: 'udp', state: '07' },
  { file: 'udp6', protocol: 'udp', state: '07' },
] as const;

/** `0100007F` → 127.0.0.1: 32-bit words, each in the byte order of a little-endian machine. */
function addressOf(hex: string): string | undefined {
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => (word.match(/../g) ?? []).toReversed());
  if (bytes.length === 4) return canonicalIp(bytes.map((byte) => Number.parseInt(byte, 16)).join('.'));
  const groups = Array.from(
    { length: 8 },
    (_, index) => `${bytes[2 * index] ?? ''}${bytes[2 * index + 1] ?? ''}`,
  );
  return canonicalIp(groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':'));
}

/**
 * Sockets in one table of /proc/net.
 * @param text of the table
 * @returns `IP:PORT/PROTOCOL`, `[IPv6]:PORT/PROTOCOL`; sockets on all addresses (`0.0.0.0`, `::`) are left out
 */
export function parseSockets(text: string, protocol: 'tcp' | 'udp', state: string): readonly string[] {
  return text.split('\n').flatMap((line) => {
    const [, local = '', , found] = line.trim().split(/\s+/);
    const [hex = '', port = ''] = local.split(':');
    const ip = found === state ? addressOf(hex) : undefined;
    if (ip === undefined || ip === '0.0.0.0' || ip === '::') return [];
    return [`${ip.includes(':') ? `[${ip}]` : ip}:${Number.parseInt(port, 16)}/${protocol}`];
  });
}

/** All of them; what cannot be read counts as none. */
export function listeningSockets(): ReadonlySet<string> {
  return new Set(
    TABLES.flatMap(({ file, protocol, state }) =>
      parseSockets(readKernelFile(`/proc/net/${file}`) ?? '', protocol, state),
    ),
  );
}
