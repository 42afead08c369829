/** Owns reading connections by entry and instance from `iptables-save -c` text. Pure. In nat chains a packet counted is a new connection. */
import { type Address, canonicalIp, parseAddress } from '../../model/address.ts';
import { type Entry, formatEntry } from '../../model/entry.ts';
import { isOurChain, serviceChainOf } from './chain-names.ts';

/** Connections to an instance through an entry. */
interface Count {
  readonly entry: Entry;
  readonly instance: Address;
  readonly connections: number;
  /** Stands for the rules of the entry: another text, and counting began anew. */
  readonly rules: string;
  /** To all instances of the entry: the rule that leads to its chain stays when the chain is rewritten. */
  readonly entryConnections: number;
}

/** Goes on with a 32-bit FNV-1a hash: texts of one order of rules, 50,000 lines in some milliseconds. */
function hashOn(hash: number, text: string): number {
  let value = hash;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value;
}

const RULE = /^\[(\d+):\d+\] -A (SLUICE-\S+) (.*)$/;
const TO_SERVICE = /-d (\S+)\/\d+ -p (tcp|udp) .*--dport (\d+) -g (SLUICE-S-\S+)$/;
const TO_INSTANCE = /-j DNAT --to-destination (\S+)$/;

function entryOf(rule: string): readonly [string, Entry] | undefined {
  const [, ip, protocol, port, chain = ''] = TO_SERVICE.exec(rule) ?? [];
  if (ip === undefined) return undefined;
  const canonical = canonicalIp(ip);
  if (canonical === undefined || (protocol !== 'tcp' && protocol !== 'udp')) return undefined;
  return [chain, { ip: canonical, port: Number(port), protocol }];
}

/** Connections so far, in the order of the listing; rules to one instance (session affinity has two) are summed. */
export function connectionCounts(listing: string): readonly Count[] {
  const entries = new Map<string, { readonly entry: Entry; readonly entryConnections: number }>();
  const counted: { readonly chain: string; readonly instance: string; readonly packets: number }[] = [];
  const hashes = new Map<string, number>();
  for (const line of listing.split('\n')) {
    const [, packets, chain = '', rule = ''] = RULE.exec(line) ?? [];
    if (packets === undefined || !isOurChain(chain)) continue;
    const found = entryOf(rule);
    if (found !== undefined) entries.set(found[0], { entry: found[1], entryConnections: Number(packets) });
    const instance = TO_INSTANCE.exec(rule)?.[1];
    const owner = serviceChainOf(chain);
    if (owner !== undefined) hashes.set(owner, hashOn(hashes.get(owner) ?? 0x811c9dc5, rule));
    if (instance !== undefined && owner !== undefined) {
      counted.push({ chain: owner, instance, packets: Number(packets) });
    }
  }
  const sums = new Map<string, Count>();
  for (const { chain, instance, packets } of counted) {
    const sent = entries.get(chain);
    if (sent === undefined) continue;
    const key = `${formatEntry(sent.entry)} ${instance}`;
    const connections = (sums.get(key)?.connections ?? 0) + packets;
    const rules = ((hashes.get(chain) ?? 0) >>> 0).toString(16);
    sums.set(key, { ...sent, instance: parseAddress(instance), connections, rules });
  }
  return [...sums.values()];
}
