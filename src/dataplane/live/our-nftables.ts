/** Owns reading our own table of the nftables layout for verify, with what it counted. Reads only. */
import { SluiceError } from '../../errors.ts';
import type { Exec } from '../../host/exec.ts';
import type { Family } from '../../model/address.ts';
import { CONNECTIONS_SET, ENTRIES_MAP, HAIRPIN_SET, nftFamily, TABLE } from '../../rules/nftables/names.ts';
import { parseConnections, parseTable } from '../../rules/nftables/parse.ts';
import type { LiveNftables } from '../../rules/verify/nftables.ts';

const TIMEOUT_MS = 60_000;

/** Output of a listing; undefined if there is no such thing. @throws SluiceError `permission`, `failed` */
export async function listNft(exec: Exec, args: readonly string[]): Promise<string | undefined> {
  const { exitCode, stdout, stderr } = await exec('nft', args, { timeoutMs: TIMEOUT_MS });
  if (exitCode === 0) return stdout;
  if (/No such file or directory/.test(stderr)) return undefined;
  const why = stderr.trim().split('\n')[0];
  if (/permission denied|operation not permitted|must be root/i.test(stderr)) {
    throw new SluiceError('permission', 'nft may not read the rules', { why, fix: 'run it as root' });
  }
  throw new SluiceError('failed', 'nft failed', { why });
}

/** Reads our table of one family. */
export async function readOurNftables(exec: Exec, family: Family): Promise<Omit<LiveNftables, 'node'>> {
  const at = [nftFamily(family), TABLE];
  const list = async (kind: 'set' | 'map', name: string): Promise<string> =>
    (await listNft(exec, ['-n', 'list', kind, ...at, name])) ?? '';
  // The table without elements: its sets of clients may hold very many.
  const [table, entries, hairpin, connections] = await Promise.all([
    listNft(exec, ['-n', '-t', 'list', 'table', ...at]),
    list('map', ENTRIES_MAP),
    list('set', HAIRPIN_SET),
    list('set', CONNECTIONS_SET),
  ]);
  return {
    installed: table === undefined ? undefined : parseTable({ table, entries, hairpin }, family),
    connections: parseConnections(connections),
  };
}
