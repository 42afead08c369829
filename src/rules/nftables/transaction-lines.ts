/**
 * Owns the lines of a transaction for nft: parts that come, change and go, in the order in which the kernel takes them. Pure. Rules stand in
 * blocks, which nft reads faster than a command for each rule: a block that is there already is added to.
 */
import type { Family } from '../../model/address.ts';
import { FIXED_CHAINS, fixedSets, HOOKS, sentRule } from './fixed-chains.ts';
import { CONNECTIONS_SET, ENTRIES_MAP, HAIRPIN_SET, nftFamily, TABLE } from './names.ts';
import type { NftChain } from './nft-rules.ts';

/** What becomes of parts of the table. */
export interface Parts {
  readonly newChains: readonly NftChain[];
  /** Chains that stand there with other rules. */
  readonly changedChains: readonly NftChain[];
  readonly goneChains: readonly string[];
  /** Keys of the map with their chains. */
  readonly newEntries: readonly (readonly [string, string])[];
  readonly goneEntries: readonly string[];
  readonly newClients: readonly string[];
  readonly goneClients: readonly string[];
  readonly goneConnections: readonly string[];
}

/** Lines with the number of rules in them. */
export interface Lines {
  readonly lines: readonly string[];
  readonly rules: number;
}

const place = (family: Family): string => `${nftFamily(family)} ${TABLE}`;

/** Keys in one command. */
const KEYS = 2_000;

function elements(
  verb: 'add' | 'delete',
  family: Family,
  set: string,
  keys: readonly string[],
): readonly string[] {
  const lines: string[] = [];
  for (let start = 0; start < keys.length; start += KEYS) {
    lines.push(`${verb} element ${place(family)} ${set} { ${keys.slice(start, start + KEYS).join(', ')} }`);
  }
  return lines;
}

/** The rules of a chain as they must be sent. */
const sentLines = ({ name, lines }: NftChain): readonly string[] =>
  FIXED_CHAINS.includes(name) ? lines.map(sentRule) : lines;

/** A block with the chains that come, and the rules of all of them. */
function blockOf(family: Family, { newChains, changedChains }: Parts): Lines {
  if (newChains.length + changedChains.length === 0) return { lines: [], rules: 0 };
  const lines = [`table ${place(family)} {`];
  let rules = 0;
  const add = (chain: NftChain, hook: string | undefined): void => {
    lines.push(`chain ${chain.name} {`);
    if (hook !== undefined) lines.push(hook);
    for (const line of sentLines(chain)) lines.push(line);
    lines.push('}');
    rules += chain.lines.length;
  };
  for (const chain of newChains) add(chain, HOOKS.get(chain.name));
  for (const chain of changedChains) add(chain, undefined);
  lines.push('}');
  return { lines, rules };
}

/** Lines of some parts; nothing is used before it is there, nor removed while it is used. */
export function linesOf(family: Family, parts: Parts): Lines {
  const at = place(family);
  const ip = family === 'ipv4' ? 'ipv4_addr' : 'ipv6_addr';
  const { changedChains, goneChains, goneConnections } = parts;
  const block = blockOf(family, parts);
  const lines = [
    ...parts.newClients.map(
      (name) => `add set ${at} ${name} { type ${ip}; size 65535; flags dynamic,timeout; }`,
    ),
    ...[...changedChains.map(({ name }) => name), ...goneChains].map((name) => `flush chain ${at} ${name}`),
    ...block.lines,
    ...elements('delete', family, ENTRIES_MAP, parts.goneEntries),
    ...elements(
      'add',
      family,
      ENTRIES_MAP,
      parts.newEntries.map(([key, chain]) => `${key} : goto ${chain}`),
    ),
    ...goneChains.map((name) => `delete chain ${at} ${name}`),
    ...parts.goneClients.map((name) => `delete set ${at} ${name}`),
    // A counter is there only if a connection came; adding it first makes deleting it right in both cases.
    ...elements('add', family, CONNECTIONS_SET, goneConnections),
    ...elements('delete', family, CONNECTIONS_SET, goneConnections),
  ];
  return { lines, rules: block.rules };
}

/** Lines that add addresses to the hairpin set, or take them out. */
export function hairpinLines(
  verb: 'add' | 'delete',
  family: Family,
  ips: readonly string[],
): readonly string[] {
  return elements(
    verb,
    family,
    HAIRPIN_SET,
    ips.map((ip) => `${ip} . ${ip}`),
  );
}

/** How the table stands: `absent` must be made first, `broken` deleted before. */
export type TableState = 'present' | 'absent' | 'broken';

/** Lines that make the table with its map and sets, where it is not there as it should be. */
export function tableLines(family: Family, table: TableState): readonly string[] {
  if (table === 'present') return [];
  const sets = [...fixedSets(family)].map(
    ([name, body]) => `add ${name === ENTRIES_MAP ? 'map' : 'set'} ${place(family)} ${name} { ${body}; }`,
  );
  const away = table === 'broken' ? [`delete table ${place(family)}`] : [];
  return [...away, `add table ${place(family)}`, ...sets];
}

/** The transaction that removes everything of ours of a family. */
export const removalText = (family: Family): string => `delete table ${place(family)}\n`;
