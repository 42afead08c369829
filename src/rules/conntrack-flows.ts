/** Owns the words of the conntrack tool: the arguments that forget connections, and its listing as data. Pure. */
import { canonicalIp, type Family, type Protocol } from '../model/address.ts';
import type { Stale } from './gone.ts';

/** One of these for all connections of an entry that one address answers. */
export function flowKey({ entry, answeredBy }: Pick<Stale, 'entry' | 'answeredBy'>): string {
  return [entry.protocol, entry.ip, entry.port, answeredBy.ip, answeredBy.port].join(' ');
}

const FLOW =
  /^(tcp|udp)\s.*? src=\S+ dst=(\S+) sport=\d+ dport=(\d+) .*?src=(\S+) dst=\S+ sport=(\d+) dport=\d+/;

/** The flow keys that occur in a listing (`conntrack -L`). */
export function flowKeysOf(listing: string): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const line of listing.split('\n')) {
    const [, protocol, entryIp = '', entryPort, ip = '', port] = FLOW.exec(line) ?? [];
    if (protocol === undefined) continue;
    keys.add([protocol, canonicalIp(entryIp) ?? entryIp, entryPort, canonicalIp(ip) ?? ip, port].join(' '));
  }
  return keys;
}

const WAITING = ['--state', 'SYN_SENT'];

/** True if it means TCP connections that were not answered yet, and no others. */
export const isWaiting = ({ entry, unanswered }: Stale): boolean => unanswered && entry.protocol === 'tcp';

/** Arguments of `conntrack` that forget them. */
export function forgetArgs(stale: Stale): readonly string[] {
  const { entry, answeredBy } = stale;
  const family = entry.ip.includes(':') ? 'ipv6' : 'ipv4';
  const asked = ['--orig-dst', entry.ip, '--orig-port-dst', String(entry.port)];
  const answered = ['--reply-src', answeredBy.ip, '--reply-port-src', String(answeredBy.port)];
  return [
    '-D',
    '-f',
    family,
    '-p',
    entry.protocol,
    ...asked,
    ...answered,
    ...(isWaiting(stale) ? WAITING : []),
  ];
}

/** What is listed at once. */
export interface ListedFlows {
  readonly family: Family;
  readonly protocol: Protocol;
  /** Only what was not answered yet. */
  readonly waiting: boolean;
}

/** Arguments that list all connections of a protocol. */
export function listArgs({ family, protocol, waiting }: ListedFlows): readonly string[] {
  return ['-L', '-f', family, '-p', protocol, ...(waiting ? WAITING : [])];
}
