/**
 * Owns the way from a packet to its service chain: a path-compressed trie of chains over address and port, 4 bits a level. It is a tree
 * (each chain is referenced once, as nf_tables validates every path), a pure function of the set of entries, and `-g` everywhere, so that
 * a packet that matches nothing returns straight to the hook. Must not know instances.
 */
import { SluiceError } from '../../errors.ts';
import { canonicalIp, ipBytes, type Protocol } from '../../model/address.ts';
import type { Entry } from '../../model/entry.ts';
import { ROOT_CHAINS, trieChainName } from './chain-names.ts';
import type { ChainUnit } from './chains.ts';

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

/** A chain of the trie with what it was made from, and the chains below it. */
export interface TrieNode {
  /** One chain. */
  readonly unit: ChainUnit;
  readonly name: string;
  readonly leaves: readonly TrieLeaf[];
  readonly depth: number;
  readonly children: readonly TrieNode[];
}

type Place = Pick<TrieNode, 'name' | 'leaves' | 'depth'>;

/** The chains of a trie, each before those below it. */
export function trieUnits(root: TrieNode): readonly ChainUnit[] {
  const units: ChainUnit[] = [];
  const nodes = [root];
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    units.push(node.unit);
    for (let at = node.children.length - 1; at >= 0; at -= 1) {
      const child = node.children[at];
      if (child !== undefined) nodes.push(child);
    }
  }
  return units;
}

function isSame(before: TrieNode, { leaves, depth }: Place): boolean {
  return (
    before.depth === depth &&
    before.leaves.length === leaves.length &&
    leaves.every((leaf, at) => leaf === before.leaves[at] || leaf.rule === before.leaves[at]?.rule)
  );
}

function nodesByName(root: TrieNode | undefined): ReadonlyMap<string, TrieNode> {
  const found = new Map<string, TrieNode>();
  const add = (node: TrieNode): void => {
    found.set(node.name, node);
    node.children.forEach(add);
  };
  if (root !== undefined) add(root);
  return found;
}

/**
 * The trie of one protocol. Nodes that would come out the same are taken from the one before, so that they are the same objects; what is
 * returned depends on the leaves alone.
 * @param leaves sorted by key, without repeats, all of one family
 */
export function renderTrie(
  protocol: Protocol,
  leaves: readonly TrieLeaf[],
  before: TrieNode | undefined,
): TrieNode {
  const root: Place = { name: ROOT_CHAINS[protocol], leaves, depth: 0 };
  if (before !== undefined && isSame(before, root)) return before;
  const known = nodesByName(before);
  const render = (place: Place): TrieNode => {
    const old = known.get(place.name);
    if (old !== undefined && isSame(old, place)) return old;
    const { lines, below } = splitNode(protocol, place);
    const { name } = place;
    const isKept = old !== undefined && old.unit[0]?.lines.join('\n') === lines.join('\n');
    return { ...place, unit: isKept ? old.unit : [{ name, lines }], children: below.map(render) };
  };
  return render(root);
}

/** One node as lines: its entries themselves, or a goto for each value of the first hex digit in which they differ. */
function splitNode(
  protocol: Protocol,
  { name, leaves, depth }: Place,
): { readonly lines: readonly string[]; readonly below: readonly Place[] } {
  const leafLine = (leaf: TrieLeaf): string => `-A ${name} ${leaf.rule}`;
  const [first, last] = [leaves[0], leaves.at(-1)];
  if (first === undefined || last === undefined || leaves.length <= LEAF_SIZE || depth === MAX_DEPTH) {
    return { lines: leaves.map(leafLine), below: [] };
  }
  const position = commonLength(first.key, last.key);
  if (position === first.key.length)
    throw new SluiceError('internal', `two entries have the key ${first.key}`);
  const lines: string[] = [];
  const below: Place[] = [];
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
    below.push({ name: child, leaves: group, depth: depth + 1 });
  }
  return { lines, below };
}
