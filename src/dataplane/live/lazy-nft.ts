/** Owns reading a native table with very many chains or elements: chains and sets one by one, as a packet comes to them. */
import type { Exec } from '../../host/exec.ts';
import type { Entry } from '../../model/entry.ts';
import { type NftChain, type NftParts, readLazyNft, type TableName } from '../../rules/explain/nft-json.ts';
import { ENTRIES_MAP, entryChainName, TABLE } from '../../rules/nftables/names.ts';
import { lazily } from './lazy.ts';
import type { LazyTable } from './lazy-iptables.ts';

const TIMEOUT_MS = 60_000;

/** What of our own table a packet of this entry needs; asked for at once, since each listing reads the names of all chains (nft 1.0.6). */
function hints(
  { name }: TableName,
  entry: Entry | undefined,
): { readonly chains: readonly string[]; readonly sets: readonly string[] } {
  if (name !== TABLE) return { chains: [], sets: [] };
  const own = entry === undefined ? [] : [entryChainName(entry)];
  return { chains: ['output', 'dispatch', 'count', 'postrouting', ...own], sets: [ENTRIES_MAP] };
}

/** A table, with nothing read but the names of its chains. */
export async function readLazyTable(
  exec: Exec,
  { name, chains }: { readonly name: TableName; readonly chains: readonly NftChain[] },
  entry: Entry | undefined,
): Promise<LazyTable> {
  const ask = async (kind: string, part: string): Promise<unknown> => {
    const args = ['-j', ...(kind === 'chain' ? ['-t'] : []), 'list', kind, name.family, name.name, part];
    const { exitCode, stdout } = await exec('nft', args, { timeoutMs: TIMEOUT_MS });
    return exitCode === 0 ? JSON.parse(stdout) : undefined;
  };
  const rules = lazily(async (chain) => ask('chain', chain));
  const sets = lazily(async (set) => {
    const [first, second] = set === ENTRIES_MAP ? ['map', 'set'] : ['set', 'map'];
    return (await ask(first ?? '', set)) ?? ask(second ?? '', set);
  });
  const counters = lazily(async (counter) => ask('counter', counter));
  const wanted = hints(name, entry);
  const known = new Set(chains.map((chain) => chain.name));
  for (const chain of wanted.chains.filter((each) => known.has(each))) rules.get(chain);
  for (const set of wanted.sets) sets.get(set);
  const load = async (): Promise<boolean> =>
    (await Promise.all([rules.load(), sets.load(), counters.load()])).includes(true);
  await load();
  const parts: NftParts = { chain: rules.get, set: sets.get, counter: counters.get };
  return { table: readLazyNft(name, chains, parts), load };
}
