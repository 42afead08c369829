/** Owns reading `nft -n list` output of our table back into data. Pure. Rules are kept as printed: what we write is what is printed back. */
import { canonicalIp, type Family } from '../../model/address.ts';
import { FIXED_CHAINS, fixedSets, HOOKS } from './fixed-chains.ts';
import { parseConnectionKey } from './names.ts';
import type { NftRules } from './nft-rules.ts';

/** What is in our table of one family. */
export interface Installed extends NftRules {
  /** `broken` if a part that cannot be mended in place differs: the definition of a set, the hook of a base chain. */
  readonly table: 'present' | 'broken';
  /** Names of chains and sets in our table that are not ours, sorted. */
  readonly foreign: readonly string[];
}

/** One block of a listing: `chain NAME { … }` with its lines, without indentation. */
interface ListedBlock {
  readonly kind: string;
  readonly name: string;
  readonly lines: readonly string[];
}

function blocksOf(listing: string): readonly ListedBlock[] {
  const blocks: (ListedBlock & { readonly lines: string[] })[] = [];
  for (const line of listing.split('\n')) {
    if (line.startsWith('\t\t')) {
      blocks.at(-1)?.lines.push(line.trim());
      continue;
    }
    const [, kind, name] = /^\t([a-z]+) (\S+) \{$/.exec(line) ?? [];
    if (kind !== undefined && name !== undefined) blocks.push({ kind, name, lines: [] });
  }
  return blocks;
}

/** Texts of the elements in a listing of one set or map, apart at the commas. */
function elementsOf(listing: string): readonly string[] {
  const start = listing.indexOf('elements = {');
  if (start < 0) return [];
  const body = listing.slice(start + 'elements = {'.length, listing.indexOf('}', start));
  return body.split(',').map((element) => element.trim());
}

const ENTRY_CHAIN = /^(tcp|udp)-[0-9a-f._]+-[0-9]+(\/[0-9a-z._-]+)?$/;
const isOurs = (name: string): boolean => FIXED_CHAINS.includes(name) || ENTRY_CHAIN.test(name);

/** What is read of a table: its listing without elements, and those of the map and the set that hold some. */
export interface Listings {
  readonly table: string;
  readonly entries: string;
  readonly hairpin: string;
}

/** Reads our table. */
export function parseTable(listings: Listings, family: Family): Installed {
  const chains = new Map<string, readonly string[]>();
  const [clients, foreign, hooks] = [new Set<string>(), new Set<string>(), new Map<string, string>()];
  const sets = new Map<string, string>();
  const definitions = fixedSets(family);
  for (const { kind, name, lines } of blocksOf(listings.table)) {
    const isChain = kind === 'chain';
    if (!isChain && definitions.has(name)) sets.set(name, lines.join('; '));
    else if (isChain && isOurs(name)) {
      const [first = ''] = lines;
      const isBase = first.startsWith('type ');
      if (isBase) hooks.set(name, first);
      chains.set(name, isBase ? lines.slice(1) : lines);
    } else if (kind === 'set' && ENTRY_CHAIN.test(name)) clients.add(name);
    else foreign.add(`${kind} ${name}`);
  }
  const isBroken =
    [...definitions].some(([name, body]) => sets.get(name) !== body) ||
    [...chains.keys()].some((name) => hooks.get(name) !== HOOKS.get(name));
  return {
    chains,
    entries: new Map(
      elementsOf(listings.entries).map((element) => {
        const [key = '', verdict = ''] = element.split(' : ');
        return [key, verdict.replace(/^goto /, '')] as const;
      }),
    ),
    hairpin: new Set(elementsOf(listings.hairpin).map((element) => element.split(' . ', 1)[0] ?? '')),
    clients,
    table: isBroken ? 'broken' : 'present',
    foreign: [...foreign].toSorted(),
  };
}

/** Reads the set of counters: connections by key of entry and instance. Elements that are not understood are left out. */
export function parseConnections(
  listing: string,
): readonly (NonNullable<ReturnType<typeof parseConnectionKey>> & { readonly connections: number })[] {
  return elementsOf(listing).flatMap((element) => {
    const [, key = '', packets] = /^(.*) counter packets (\d+) bytes \d+$/.exec(element) ?? [];
    const found = parseConnectionKey(key);
    if (found === undefined || canonicalIp(found.instance.ip) === undefined) return [];
    return [{ ...found, connections: Number(packets) }];
  });
}
