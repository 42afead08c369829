/**
 * Owns reading a nat table of iptables-nft with very many chains: chain by chain, as a packet comes to them. One chain costs a few
 * milliseconds at any number of others, the whole table a second at 10,000 services.
 */
import type { Exec } from '../../host/exec.ts';
import { type ListingSource, readLazyIptables } from '../../rules/explain/iptables-save.ts';
import type { LiveTable } from '../../rules/explain/live.ts';
import type { NftChain } from '../../rules/explain/nft-json.ts';
import { type Lazy, lazily } from './lazy.ts';

/** Rules of a chain as `iptables -v -S` prints them, in the words of `iptables-save -c`. */
function savedLines(listing: string): readonly string[] {
  return listing
    .split('\n')
    .filter((line) => line.startsWith('-A '))
    .map((line) => {
      const [found, packets, bytes] = / -c (\d+) (\d+)(?= -[jg] |$)/.exec(line) ?? [];
      return found === undefined ? line : `[${packets}:${bytes}] ${line.replace(found, '')}`;
    });
}

/** A table that is not whole yet. */
export interface LazyTable {
  readonly table: LiveTable;
  readonly load: Lazy<unknown>['load'];
}

/**
 * The nat table, with its base chains read.
 * @param chains of that table
 * @returns undefined if iptables cannot print it (somebody put native rules into it)
 */
export async function readLazyNat(
  exec: Exec,
  source: ListingSource,
  chains: readonly NftChain[],
): Promise<LazyTable | undefined> {
  const program = source.family === 'ipv4' ? 'iptables-nft' : 'ip6tables-nft';
  let isReadable = true;
  const parts = lazily(async (name) => {
    const result = await exec(program, ['-w', '5', '-t', 'nat', '-v', '-S', name], { timeoutMs: 60_000 });
    if (result.exitCode !== 0) isReadable = false;
    return savedLines(result.stdout);
  });
  const bases = chains.filter(({ policy }) => policy !== undefined);
  for (const { name } of bases) parts.get(name);
  await parts.load();
  if (!isReadable) return undefined;
  const policies = new Map(chains.map(({ name, policy }) => [name, policy?.toUpperCase() ?? '-']));
  return { table: readLazyIptables('nat', policies, { source, lines: parts.get }), load: parts.load };
}
