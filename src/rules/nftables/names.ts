/**
 * Owns the names of what is ours in nftables. The tables are our own, so a name need only be unique in them; it says in plain text what it
 * is for (`tcp-10.96.0.10-80`), so that a listing can be read by a person and back by us. Pure.
 */
import { canonicalIp, type Address, type Family } from '../../model/address.ts';
import type { Entry } from '../../model/entry.ts';
import { protocolNumber, protocolOf } from '../protocol-number.ts';

/** Name of our table of each family. */
export const TABLE = 'sluice';

/** The family's word in nft, which is also the word of its header expressions. */
export const nftFamily = (family: Family): 'ip' | 'ip6' => (family === 'ipv4' ? 'ip' : 'ip6');

/** Our verdict map from the entry to its chain. */
export const ENTRIES_MAP = 'entries';
/** Our set of instance addresses, each with itself: where source and destination are one. */
export const HAIRPIN_SET = 'hairpin';
/** Our set of counters, one an entry and instance, filled by the kernel. */
export const CONNECTIONS_SET = 'connections';

/** A colon cannot stand in a name. */
const addressName = ({ ip, port }: Address): string => `${ip.replaceAll(':', '_')}-${port}`;

/** Name of the chain of an entry. */
export const entryChainName = (entry: Entry): string => `${entry.protocol}-${addressName(entry)}`;

/** Name of a block of rules below an entry's chain. */
export const blockChainName = (entryChain: string, level: number, index: number): string =>
  `${entryChain}/${'abc'.charAt(level - 1)}${index.toString(36)}`;

/** Name of the chain, and of the set of clients, of one instance of an entry with session affinity. */
export const instanceName = (entryChain: string, instance: Address): string =>
  `${entryChain}/${addressName(instance)}`;

/** The chain of the entry that a chain or set belongs to; the name itself for all others. */
export const entryChainOf = (name: string): string => name.split('/', 1)[0] ?? name;

/** Key of an entry in the verdict map. */
export const entryKey = ({ ip, port, protocol }: Entry): string =>
  `${ip} . ${protocolNumber(protocol)} . ${port}`;

/** Key of the entry whose chain this is; undefined for chains of no entry. */
export function entryKeyOfChain(name: string): string | undefined {
  const [, protocol, ip, port] = /^(tcp|udp)-([0-9a-f._]+)-([0-9]+)$/.exec(name) ?? [];
  if (ip === undefined || port === undefined) return undefined;
  return `${ip.replaceAll('_', ':')} . ${protocolNumber(protocol === 'tcp' ? 'tcp' : 'udp')} . ${port}`;
}

/** Reads a key of the set of counters. */
export function parseConnectionKey(
  key: string,
): { readonly entry: Entry; readonly instance: Address } | undefined {
  const [ip = '', number = '', port, instanceIp = '', instancePort] = key.split(' . ');
  const protocol = protocolOf(number);
  const [entryIp, toIp] = [canonicalIp(ip), canonicalIp(instanceIp)];
  if (protocol === undefined || entryIp === undefined || toIp === undefined) return undefined;
  return {
    entry: { ip: entryIp, port: Number(port), protocol },
    instance: { ip: toIp, port: Number(instancePort) },
  };
}
