/**
 * Owns the names of our iptables chains. Every chain of ours begins with `SLUICE-`, no name is longer than 28 characters (the limit
 * of iptables), and a name says what the chain is for, so that a listing can be read back without a state file. Pure.
 */
import { hash } from 'node:crypto';
import { type Entry, formatEntry } from '../../model/entry.ts';
import { type Address, formatAddress, type Protocol } from '../../model/address.ts';

/** Chain that the hooks jump to: splits by protocol. */
export const ENTRIES_CHAIN = 'SLUICE-ENTRIES';
/** Chain for masquerade, hooked in POSTROUTING. */
export const POST_CHAIN = 'SLUICE-POST';
/** Root of the trie of each protocol. */
export const ROOT_CHAINS: Readonly<Record<Protocol, string>> = { tcp: 'SLUICE-TCP', udp: 'SLUICE-UDP' };
/** Empty chains whose presence says what of the nat table did not exist before us: `SLUICE-NEW-TABLE`, `SLUICE-NEW-OUTPUT` … */
export const MARK_CHAIN_PREFIX = 'SLUICE-NEW-';

const OURS = 'SLUICE-';
const SERVICE = 'SLUICE-S-';
const HASH_LENGTH = 13;

/** 64 bits of SHA-256 as 13 characters 0-9a-v. */
function shortHash(text: string): string {
  return BigInt(`0x${hash('sha256', text).slice(0, 16)}`)
    .toString(32)
    .padStart(HASH_LENGTH, '0');
}

/** Name of the chain that holds an entry's weighted rules, e.g. `SLUICE-S-0a1b2c3d4e5f6`. */
export function serviceChainName(entry: Entry): string {
  return `${SERVICE}${shortHash(formatEntry(entry))}`;
}

/**
 * Name of a block of rules below a service chain.
 * @param level 1 for blocks of rules, 2 for blocks of blocks, 3 above
 * @param index position of the block among those of its level, counted from the oldest instance
 */
export function blockChainName(serviceChain: string, level: number, index: number): string {
  return `${serviceChain}-${'abc'.charAt(level - 1)}${index.toString(36)}`;
}

/** Name of the list of clients of one instance of an entry (xt_recent), e.g. `SLUICE-R-0a1b2c3d4e5f6`; as unique as a chain's name. */
export function recentListName(serviceChain: string, instance: Address): string {
  return `SLUICE-R-${shortHash(`${serviceChain}/${formatAddress(instance)}`)}`;
}

/** Name of the trie chain for all entries of a protocol whose key begins with these hex digits. */
export function trieChainName(protocol: Protocol, prefix: string): string {
  return `SLUICE-T-${shortHash(`${protocol}/${prefix}`)}`;
}

/** Name of the mark chain that says that the table (`TABLE`) or one of its base chains was not there before us. */
export const markName = (what: string): string => `${MARK_CHAIN_PREFIX}${what}`;

/** True for chains of ours, whatever they are for; all others are foreign and never named in what we send. */
export function isOurChain(name: string): boolean {
  return name.startsWith(OURS);
}

/** The service chain that a service or block chain belongs to; undefined for all other chains. */
export function serviceChainOf(name: string): string | undefined {
  return name.startsWith(SERVICE) ? name.slice(0, SERVICE.length + HASH_LENGTH) : undefined;
}
