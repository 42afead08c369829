/**
 * Owns leaving no trace on iptables-nft: the first rule of anybody makes the table `nat` and its base chains, and iptables never
 * removes them. What was not there before us is noted in the kernel itself, as empty chains `SLUICE-NEW-<what>` in that table: the note
 * lives exactly as long as the table, needs no file, and any later process can read it.
 *
 * iptables-legacy has no such thing: there a table, once used, stays (empty) until its kernel module is unloaded.
 */
import { SluiceError } from '../../errors.ts';
import type { Exec } from '../../host/exec.ts';
import type { Family } from '../../model/address.ts';
import { markName } from '../../rules/iptables/chain-names.ts';

const TABLE = 'TABLE';
const BASE_CHAINS = ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'] as const;

const nftFamily = (family: Family): string => (family === 'ipv4' ? 'ip' : 'ip6');

/** Output of `nft list …` without its comments; undefined if nft is missing, fails or is too slow: then nothing is known. */
async function nftList(exec: Exec, args: readonly string[]): Promise<string | undefined> {
  try {
    const result = await exec('nft', ['list', ...args], { timeoutMs: 10_000 });
    return result.exitCode === 0 ? result.stdout.replaceAll(/^#.*\n/gm, '') : undefined;
  } catch (error) {
    if (error instanceof SluiceError) return undefined;
    throw error;
  }
}

/** Names of the chains of one table in an `nft list chains` output; undefined if the table is not there. */
function chainsOfTable(listing: string, table: string): readonly string[] | undefined {
  const start = listing.indexOf(`table ${table} {\n`);
  if (start < 0) return undefined;
  const body = listing.slice(start, listing.indexOf('\n}', start));
  return [...body.matchAll(/^\tchain (\S+) \{/gm)].map(([, name]) => name ?? '');
}

/**
 * Names of mark chains for the table and the base chains that are not there yet; empty if all are, or if nft is not installed
 * (then the empty table stays after a clean-up).
 */
export async function absentParts(exec: Exec, family: Family): Promise<readonly string[]> {
  // Not `list tables`: nft 1.0.6 reads all rules of all families for that (11 s beside 10,000 services), for this only chains.
  const listing = await nftList(exec, ['chains', nftFamily(family)]);
  if (listing === undefined) return [];
  const present = chainsOfTable(listing, `${nftFamily(family)} nat`);
  if (present === undefined) return [TABLE, ...BASE_CHAINS].map(markName);
  return BASE_CHAINS.filter((name) => !present.includes(name)).map(markName);
}

/** Where to remove. */
export interface LeftoverPlace {
  readonly exec: Exec;
  readonly family: Family;
  /** Name of the iptables-nft program of this family. */
  readonly iptables: string;
}

/**
 * Removes the base chains, then the table, that the marks name, each only if it is empty. One that somebody uses by now stays:
 * `-X` refuses a chain with rules, and the table goes only if nothing at all is in it.
 */
export async function removeLeftovers(place: LeftoverPlace, marks: readonly string[]): Promise<void> {
  const { exec, family, iptables } = place;
  for (const name of BASE_CHAINS) {
    if (marks.includes(markName(name))) await exec(iptables, ['-w', '5', '-t', 'nat', '-X', name]);
  }
  if (!marks.includes(markName(TABLE))) return;
  const left = await nftList(exec, ['table', nftFamily(family), 'nat']);
  const isEmpty = left === `table ${nftFamily(family)} nat {\n}\n`;
  if (isEmpty) await exec('nft', ['delete', 'table', nftFamily(family), 'nat']);
}
