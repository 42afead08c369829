/**
 * Owns reading all rules of a node, ours and foreign: both variants of iptables and native nftables. Reads only: whole listings are
 * asked for, since naming a table of iptables-legacy would make it.
 */
import { SluiceError } from '../../errors.ts';
import type { Exec } from '../../host/exec.ts';
import type { Family } from '../../model/address.ts';
import { incompatibleTables, readIptables } from '../../rules/explain/iptables-save.ts';
import type { LiveTable } from '../../rules/explain/live.ts';
import { readNft, type TableName, tableNames } from '../../rules/explain/nft-json.ts';

/** All rules that packets of one IP family meet. */
export interface LiveRules {
  readonly tables: readonly LiveTable[];
  /** Rules by variant of iptables. */
  readonly ruleCounts: { readonly nft: number; readonly legacy: number };
  /** What could not be read or is not walked, one line each. */
  readonly unread: readonly string[];
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

/** Native tables: all but those that iptables-nft prints itself. */
async function nativeTables(
  exec: Exec,
  family: Family,
  { listing, unread }: { readonly listing: string | undefined; readonly unread: string[] },
): Promise<readonly LiveTable[]> {
  // Not `list ruleset` nor `list tables`: nft 1.0.6 reads every rule of every family for those.
  const names = tableNames(parse(await outputOf(exec, ['nft', '-j', 'list', 'chains'], unread)));
  const own = family === 'ipv4' ? 'ip' : 'ip6';
  const odd = incompatibleTables(listing ?? '');
  const isPrinted = ({ family: of, name }: TableName): boolean =>
    listing !== undefined && of === own && IPTABLES_TABLES.includes(name) && !odd.includes(name);
  const strange = names.filter((table) => ['netdev', 'bridge'].includes(table.family));
  unread.push(
    ...strange.map((table) => `table ${table.family} ${table.name} is not walked: it works below IP`),
  );
  const tables: LiveTable[] = [];
  for (const table of names) {
    if ((table.family !== own && table.family !== 'inet') || isPrinted(table)) continue;
    const text = await outputOf(exec, ['nft', '-j', 'list', 'table', table.family, table.name], unread);
    if (text !== undefined) tables.push(...readNft(parse(text), family));
  }
  return tables;
}

/** Reads everything. What cannot be read is told, not thrown. */
export async function readLiveRules(exec: Exec, family: Family): Promise<LiveRules> {
  const unread: string[] = [];
  const { nft, legacy } = await listings(exec, family, unread);
  const native = await nativeTables(exec, family, { listing: nft, unread });
  return {
    tables: [
      ...(nft === undefined ? [] : readIptables(nft, { owner: 'iptables-nft', family })),
      ...(legacy === undefined ? [] : readIptables(legacy, { owner: 'iptables-legacy', family })),
      ...native,
    ],
    ruleCounts: { nft: countRules(nft), legacy: countRules(legacy) },
    unread,
  };
}
