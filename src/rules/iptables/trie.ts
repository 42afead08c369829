/**
 * Owns the way from a packet to its service chain: a path-compressed trie of chains over address and port, 4 bits a level. It is a tree
 * (each chain is referenced once, as nf_tables validates every path), a pure function of the set of entries, and `-g` everywhere, so that
 * a packet that matches nothing returns straight to the hook. Must not know instances.
 */
import { SluiceError } from '../../errors.ts';
import { canonicalIp, ipBytes, type Protocol } from '../../model/address.ts';
import type { Entry } from '../../model/entry.ts';
import { ROOT_CHAINS, trieChainName } from './chain-names.ts';
import type { Chain } from './chains.ts';

/** Up to this many entries are listed in one chain without a further split. */
const LEAF_SIZE = 8;
/** Levels of trie chains below the root; nf_tables allows 15 chained jumps: hook → entries → root → 8 levels → service → 3 levels of blocks is 14. */
const MAX_DEPTH = 8;
const PORT_DIGITS = 4;

/** An entry as the trie sees it. */
export interface TrieLeaf {
  /** Address and port as hex digits: 12 for IPv4, 36 for IPv6; order of keys is order of entries. */
  readonly key: string;
  /** The rule without its chain: exact match and goto. */
  readonly rule: string;
}

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** The leaf of an entry whose rules stand in `chain`. */
export function trieLeaf(entry: Entry, chain: string): TrieLeaf {
  const bytes = ipBytes(entry.ip) ?? [];
  const { protocol } = entry;
  return {
    key: bytes.map((byte) => hex(byte, 2)).join('') + hex(entry.port, PORT_DIGITS),
    rule: `-d ${entry.ip}/${bytes.length * 8} -p ${protocol} -m ${protocol} --dport ${entry.port} -g ${chain}`,
  };
}

/** Match for all keys that begin with `prefix`: on the address, or, where the prefix ends in the port, on the port alone. */
function prefixMatch(protocol: Protocol, prefix: string, keyLength: number): string {
  const addressDigits = keyLength - PORT_DIGITS;
  if (prefix.length > addressDigits) {
    const digits = prefix.slice(addressDigits);
    const first = Number.parseInt(digits.padEnd(PORT_DIGITS, '0'), 16);
    const last = Number.parseInt(digits.padEnd(PORT_DIGITS, 'f'), 16);
    return `-p ${protocol} -m ${protocol} --dport ${first}:${last}`;
  }
  const padded = prefix.padEnd(addressDigits, '0');
  const text =
    addressDigits === 8
      ? (padded.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)).join('.')
      : canonicalIp((padded.match(/..../g) ?? []).join(':'));
  return `-d ${text}/${prefix.length * 4}`;
}

function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a.charCodeAt(length) === b.charCodeAt(length)) length += 1;
  return length;
}

interface Node {
  readonly name: string;
  readonly leaves: readonly TrieLeaf[];
  readonly depth: number;
}

/** The chains of one protocol's trie, the root first. `leaves` must be sorted by key, without repeats, all of one family. */
export function trieChains(protocol: Protocol, leaves: readonly TrieLeaf[]): readonly Chain[] {
  const chains: Chain[] = [];
  const nodes: Node[] = [{ name: ROOT_CHAINS[protocol], leaves, depth: 0 }];
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    const { chain, children } = splitNode(protocol, node);
    chains.push(chain);
    nodes.push(...children.toReversed());
  }
  return chains;
}

/** One node as a chain: its entries themselves, or a goto for each value of the first hex digit in which they differ. */
function splitNode(
  protocol: Protocol,
  node: Node,
): { readonly chain: Chain; readonly children: readonly Node[] } {
  const { name, leaves, depth } = node;
  const leafLine = (leaf: TrieLeaf): string => `-A ${name} ${leaf.rule}`;
  const [first, last] = [leaves[0], leaves.at(-1)];
  if (first === undefined || last === undefined || leaves.length <= LEAF_SIZE || depth === MAX_DEPTH) {
    return { chain: { name, lines: leaves.map(leafLine) }, children: [] };
  }
  const position = commonLength(first.key, last.key);
  if (position === first.key.length)
    throw new SluiceError('internal', `two entries have the key ${first.key}`);
  const lines: string[] = [];
  const children: Node[] = [];
  for (let start = 0, end = 0; start < leaves.length; start = end) {
    const digit = leaves[start]?.key.charCodeAt(position);
    while (end < leaves.length && leaves[end]?.key.charCodeAt(position) === digit) end += 1;
    const group = leaves.slice(start, end);
    const [leaf] = group;
    if (leaf === undefined) break;
    if (group.length === 1) {
      lines.push(leafLine(leaf));
      continue;
    }
    const prefix = leaf.key.slice(0, position + 1);
    const child = trieChainName(protocol, prefix);
    lines.push(`-A ${name} ${prefixMatch(protocol, prefix, leaf.key.length)} -g ${child}`);
    children.push({ name: child, leaves: group, depth: depth + 1 });
  }
  return { chain: { name, lines }, children };
}
