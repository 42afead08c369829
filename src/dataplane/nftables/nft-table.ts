/**
 * Owns the edge to our table of one family: reading it and sending it one transaction. Every text passes the grammar here, and there is no
 * other way to nft.
 */
import { SluiceError } from '../../errors.ts';
import type { Exec, ExecResult } from '../../host/exec.ts';
import type { Family } from '../../model/address.ts';
import { assertNftText } from '../../rules/nftables/grammar.ts';
import { CONNECTIONS_SET, ENTRIES_MAP, HAIRPIN_SET, nftFamily, TABLE } from '../../rules/nftables/names.ts';
import { type Installed, parseConnections, parseTable } from '../../rules/nftables/parse.ts';
import type { ConnectionCount } from '../dataplane.ts';
import type { Prepare } from '../send.ts';
import type { NftHelper } from './resident-nft.ts';

/** Our table of one family. */
export interface NftTable {
  readonly family: Family;
  /** What is there; undefined if the table is not. @throws SluiceError `config`, `permission`, `failed` */
  readonly read: () => Promise<Installed | undefined>;
  /**
   * One transaction, all or nothing, checked now and sent when what is returned is called.
   * @throws SluiceError `internal` (grammar; nothing sent); when sent, `permission`, `failed`
   */
  readonly prepare: Prepare;
  /** Connections so far; none if the table is not there. */
  readonly connections: () => Promise<readonly ConnectionCount[]>;
}

/** A first load of 10,000 services takes 2 s in all; far above. */
const TIMEOUT_MS = 60_000;
/** Characters of one argument; the kernel takes 128 KiB. */
const ARGUMENT = 100_000;

function failure(result: ExecResult): SluiceError {
  const why = result.stderr.trim().split('\n').slice(0, 5).join('; ').slice(0, 1_000);
  if (/permission denied|operation not permitted|must be root/i.test(why)) {
    return new SluiceError('permission', 'nft may not change the firewall', {
      why,
      fix: 'run the agent as root or with CAP_NET_ADMIN',
    });
  }
  return new SluiceError('failed', 'nft failed', { why, details: { exitCode: result.exitCode } });
}

/**
 * A text as arguments, which nft joins by spaces. Not on its input: a text that is cut off there, since the agent was killed while it
 * wrote, is run as far as it came.
 */
function textArguments(text: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  while (text.length - start > ARGUMENT) {
    const space = text.lastIndexOf(' ', start + ARGUMENT);
    if (space <= start) throw new SluiceError('internal', 'a text for nft cannot be divided');
    parts.push(text.slice(start, space));
    start = space + 1;
  }
  return [...parts, text.slice(start)];
}

/** Our table in the network namespace that `exec` runs in. */
export function nftTable(exec: Exec, helper: NftHelper, family: Family): NftTable {
  const at = [nftFamily(family), TABLE];
  /** Output of a listing; undefined if there is no such thing. */
  const list = async (args: readonly string[]): Promise<string | undefined> => {
    const result = await exec('nft', args, { timeoutMs: TIMEOUT_MS });
    if (result.exitCode === 0) return result.stdout;
    if (/No such file or directory/.test(result.stderr)) return undefined;
    throw failure(result);
  };
  return {
    family,
    read: async () => {
      // Without elements: sets of clients and counters may hold very many.
      const table = await list(['-n', '-t', 'list', 'table', ...at]);
      if (table === undefined) return undefined;
      const entries = await list(['-n', 'list', 'map', ...at, ENTRIES_MAP]);
      const hairpin = await list(['-n', 'list', 'set', ...at, HAIRPIN_SET]);
      return parseTable({ table, entries: entries ?? '', hairpin: hairpin ?? '' }, family);
    },
    prepare: (text) => {
      assertNftText(text, family);
      return async () => {
        if (helper.takes(text)) return helper.run(text);
        const result = await exec('nft', ['--', ...textArguments(text)], { timeoutMs: TIMEOUT_MS });
        if (result.exitCode !== 0) throw failure(result);
      };
    },
    connections: async () =>
      parseConnections((await list(['-n', 'list', 'set', ...at, CONNECTIONS_SET])) ?? ''),
  };
}
