/**
 * Owns reading all rules of a node, ours and foreign: both variants of iptables and native nftables. Reads only: whole listings are
 * asked for, since naming a table of iptables-legacy would make it.
 */
import { SluiceError } from '../../errors.ts';
import type { Exec } from '../../host/exec.ts';
import { ifInstalled } from '../../host/if-installed.ts';
import type { Family } from '../../model/address.ts';
import type { Entry } from '../../model/entry.ts';
import { incompatibleTables, readIptables } from '../../rules/explain/iptables-save.ts';
import type { LiveTable } from '../../rules/explain/live.ts';
import { chainsIn, type NftChain, readNft, type TableName } from '../../rules/explain/nft-json.ts';
import { CONNECTIONS_SET, TABLE } from '../../rules/nftables/names.ts';
import { parseConnections } from '../../rules/nftables/parse.ts';
import type { ConnectionCount } from '../dataplane.ts';
import type { LazyTable } from './lazy-iptables.ts';
import { readLazyNat } from './lazy-iptables.ts';
import { readLazyTable } from './lazy-nft.ts';

/** All rules that packets of one IP family meet. */
export interface LiveRules {
  readonly tables: readonly LiveTable[];
  /** Rules by variant of iptables. */
  readonly ruleCounts: { readonly nft: number; readonly legacy: number };
  /** What could not be read or is not walked, one line each. */
  readonly unread: readonly string[];
  /** New connections by entry and instance, where not the rules themselves count. */
  readonly counted: readonly ConnectionCount[];
  /** Reads parts of tables that were asked for and not there; true if there were any. */
  readonly more: () => Promise<boolean>;
}

const TIMEOUT_MS = 60_000;
/** Tables that iptables-nft keeps in nftables; it prints them better than nft does. */
const IPTABLES_TABLES = ['raw', 'mangle', 'nat', 'filter', 'security'];

/** Output of a program; undefined if it is not installed; a failure is told. */
async function outputOf(
  exec: Exec,
  argv: readonly [string, ...string[]],
  unread: string[],
): Promise<string | undefined> {
  const [file, ...args] = argv;
  try {
    const { exitCode, stdout, stderr } = await exec(file, args, { timeoutMs: TIMEOUT_MS });
    if (exitCode === 0) return stdout;
    if (exitCode === 127 && stderr.includes('failed to execute')) return undefined;
    unread.push(`${argv.join(' ')} failed: ${stderr.trim().split('\n')[0] ?? ''}`);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    if (error.code !== 'config') unread.push(error.message);
  }
  return undefined;
}

const countRules = (listing: string | undefined): number => listing?.match(/^\[\d+:\d+\] -A /gm)?.length ?? 0;

interface Listings {
  readonly nft: string | undefined;
  readonly legacy: string | undefined;
}

/** Both variants by their full names; where there are none, whatever plain iptables is. */
async function listings(exec: Exec, family: Family, unread: string[]): Promise<Listings> {
  const program = family === 'ipv4' ? 'iptables' : 'ip6tables';
  const ownUnread: string[] = [];
  const [nft, legacy] = await Promise.all([
    outputOf(exec, [`${program}-nft-save`, '-c'], unread),
    outputOf(exec, [`${program}-legacy-save`, '-c'], ownUnread),
  ]);
  // Without the kernel's old interface there is nothing that could be missed.
  const hasLegacy = legacy === undefined && ownUnread.length > 0 && (await legacyInUse(exec, family));
  if (hasLegacy) unread.push(...ownUnread);
  if (nft !== undefined || legacy !== undefined) return { nft, legacy };
  const plain = await outputOf(exec, [`${program}-save`, '-c'], unread);
  return plain?.includes('-nft-save') === true || plain?.includes('nf_tables') === true
    ? { nft: plain, legacy: undefined }
    : { nft: undefined, legacy: plain };
}

async function legacyInUse(exec: Exec, family: Family): Promise<boolean> {
  const file = `/proc/net/${family === 'ipv4' ? 'ip' : 'ip6'}_tables_names`;
  const { exitCode, stdout } = await exec('cat', [file]);
  return exitCode === 0 && stdout.trim() !== '';
}

const parse = (text: string | undefined): unknown => (text === undefined ? undefined : JSON.parse(text));

/** Above so many chains a table is read chain by chain. */
const MANY_CHAINS = 300;

/** What is known of native nftables before rules are read. */
interface Names {
  readonly chains: readonly NftChain[];
  readonly family: Family;
  readonly unread: string[];
}

const nftFamilyOf = (family: Family): string => (family === 'ipv4' ? 'ip' : 'ip6');
const keyOf = ({ family, table }: NftChain): string => `${family} ${table}`;

/** Chains by table; tables below IP are told. */
function byTable({ chains, family, unread }: Names): readonly (readonly NftChain[])[] {
  const tables = new Map<string, NftChain[]>();
  for (const chain of chains) {
    const own = tables.get(keyOf(chain));
    if (own === undefined) tables.set(keyOf(chain), [chain]);
    else own.push(chain);
  }
  const [here, elsewhere] = [[...tables.values()], new Set<string>()];
  for (const [first] of here) {
    if (first !== undefined && ['netdev', 'bridge'].includes(first.family)) elsewhere.add(keyOf(first));
  }
  unread.push(...[...elsewhere].map((name) => `table ${name} is not walked: it works below IP`));
  return here.filter(([first]) => first?.family === nftFamilyOf(family) || first?.family === 'inet');
}

/** Native tables: all but those that iptables-nft prints itself. */
async function nativeTables(
  exec: Exec,
  names: Names,
  {
    isPrinted,
    entry,
  }: { readonly isPrinted: (table: TableName) => boolean; readonly entry: Entry | undefined },
): Promise<readonly LazyTable[]> {
  const tables = byTable(names).map(async (chains): Promise<readonly LazyTable[]> => {
    const [first] = chains;
    if (first === undefined) return [];
    const name: TableName = { family: first.family, name: first.table };
    if (isPrinted(name)) return [];
    if (chains.length > MANY_CHAINS) return [await readLazyTable(exec, { name, chains }, entry)];
    const args = ['nft', '-j', 'list', 'table', name.family, name.name] as const;
    const text = await outputOf(exec, args, names.unread);
    if (text === undefined) return [];
    return readNft(parse(text), names.family).map((table) => ({ table, load: async () => false }));
  });
  return (await Promise.all(tables)).flat();
}

/** The tables of iptables-nft, its nat table chain by chain; undefined if it has few chains, or cannot be read so. */
async function lazyIptables(exec: Exec, names: Names): Promise<readonly LazyTable[] | undefined> {
  const { family, unread } = names;
  const own = names.chains.filter((chain) => chain.family === nftFamilyOf(family));
  const nat = own.filter(({ table }) => table === 'nat');
  if (nat.length <= MANY_CHAINS) return undefined;
  const source = { owner: 'iptables-nft', family } as const;
  const others = IPTABLES_TABLES.filter((name) => name !== 'nat' && own.some(({ table }) => table === name));
  const program = `${family === 'ipv4' ? 'iptables' : 'ip6tables'}-nft-save`;
  const [lazy, ...texts] = await Promise.all([
    ifInstalled(async () => readLazyNat(exec, source, nat)),
    ...others.map(async (name) => outputOf(exec, [program, '-c', '-t', name], unread)),
  ]);
  const isOdd = texts.some((text) => text === undefined || incompatibleTables(text).length > 0);
  if (lazy === undefined || isOdd) return undefined;
  const whole = texts.flatMap((text) => readIptables(text ?? '', source));
  return [...whole.map((table) => ({ table, load: async () => false })), lazy];
}

/** Tables that iptables-nft prints, whole or in part, beside legacy's. */
interface Printed {
  readonly tables: readonly LazyTable[];
  readonly ruleCounts: LiveRules['ruleCounts'];
  readonly isPrinted: (table: TableName) => boolean;
}

async function printedTables(exec: Exec, names: Names): Promise<Printed> {
  const { family, unread } = names;
  const own = nftFamilyOf(family);
  const isOwn = ({ family: of, name }: TableName): boolean => of === own && IPTABLES_TABLES.includes(name);
  const isLegacyUsed = await legacyInUse(exec, family);
  const lazy = isLegacyUsed ? undefined : await lazyIptables(exec, names);
  // How many rules they are does not matter where the other variant has none.
  if (lazy !== undefined) return { tables: lazy, ruleCounts: { nft: 1, legacy: 0 }, isPrinted: isOwn };
  const { nft, legacy } = await listings(exec, family, unread);
  const odd = incompatibleTables(nft ?? '');
  const tables = [
    ...(nft === undefined ? [] : readIptables(nft, { owner: 'iptables-nft', family })),
    ...(legacy === undefined ? [] : readIptables(legacy, { owner: 'iptables-legacy', family })),
  ];
  return {
    tables: tables.map((table) => ({ table, load: async () => false })),
    ruleCounts: { nft: countRules(nft), legacy: countRules(legacy) },
    isPrinted: (table) => nft !== undefined && isOwn(table) && !odd.includes(table.name),
  };
}

/**
 * Reads the rules. What cannot be read is told, not thrown. Large tables are read in part: after a walk that came to parts which were
 * not there, `more` reads them and says so, and the walk is made again.
 * @param entry whose packets will be walked, so that what they need is read at once
 */
export async function readLiveRules(exec: Exec, family: Family, entry?: Entry): Promise<LiveRules> {
  const unread: string[] = [];
  // Not `list ruleset` nor `list tables`: nft 1.0.6 reads every rule of every family for those.
  const chains = chainsIn(parse(await outputOf(exec, ['nft', '-j', 'list', 'chains'], unread)));
  const names: Names = { chains, family, unread };
  const isOurs = chains.some((chain) => chain.family === nftFamilyOf(family) && chain.table === TABLE);
  const printing = printedTables(exec, names);
  // Most tables are iptables' own, or large: what is native is read beside them where that can be told from its name.
  const sure = chains.filter((chain) => !IPTABLES_TABLES.includes(chain.table));
  const unsure = chains.filter((chain) => IPTABLES_TABLES.includes(chain.table));
  const [printed, native, counted] = await Promise.all([
    printing,
    nativeTables(exec, { ...names, chains: sure }, { isPrinted: () => false, entry }),
    isOurs ? readCounts(exec, family) : [],
  ]);
  const { isPrinted, ruleCounts } = printed;
  const odd = await nativeTables(exec, { ...names, chains: unsure }, { isPrinted, entry });
  const lazy = [...printed.tables, ...odd, ...native];
  return {
    tables: lazy.map(({ table }) => table),
    ruleCounts,
    unread,
    counted,
    more: async () => (await Promise.all(lazy.map(async ({ load }) => load()))).includes(true),
  };
}

/** Connections by entry and instance, where the kernel counts them in a set of ours. */
async function readCounts(exec: Exec, family: Family): Promise<LiveRules['counted']> {
  const at = [nftFamilyOf(family), TABLE, CONNECTIONS_SET];
  const { exitCode, stdout } = await exec('nft', ['-n', 'list', 'set', ...at], { timeoutMs: TIMEOUT_MS });
  return exitCode === 0 ? parseConnections(stdout) : [];
}
