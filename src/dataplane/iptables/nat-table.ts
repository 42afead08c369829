/**
 * Owns the edge to one family's nat table: reading it and sending it one transaction. Every text passes the grammar here, and there is
 * no other way to iptables-restore.
 */
import { SluiceError } from '../../errors.ts';
import type { Exec, ExecResult } from '../../host/exec.ts';
import type { Family } from '../../model/address.ts';
import { assertRestoreText } from '../../rules/iptables/grammar.ts';
import { type Installed, parseListing } from '../../rules/iptables/parse.ts';
import { absentParts, removeLeftovers } from './leftovers.ts';
import type { Tools } from './variant.ts';

/** A nat table of one family, real or modelled. */
export interface NatTable {
  readonly family: Family;
  /** What is there of ours. @throws SluiceError `config`, `permission`, `failed` */
  readonly read: () => Promise<Installed>;
  /** One transaction, all or nothing. @throws SluiceError `internal` (grammar; nothing sent), `permission`, `failed` */
  readonly restore: (text: string) => Promise<void>;
  /** Names of mark chains for what of the table is not there yet. */
  readonly absentParts: () => Promise<readonly string[]>;
  /** Removes those marked parts that are empty; never throws for one that is in use. */
  readonly removeLeftovers: (marks: readonly string[]) => Promise<void>;
}

/** Seconds to wait for the lock of iptables-legacy; the nft variant has none. */
const LOCK_WAIT = ['-w', '5'];
/** A first load in legacy rewrites the whole table; far above what was measured at 10,000 services (4.4 s). */
const TIMEOUT_MS = 60_000;

function failure(program: string, result: ExecResult): SluiceError {
  const why = result.stderr.trim().split('\n').slice(0, 5).join('; ') || `exit code ${result.exitCode}`;
  if (/permission denied|operation not permitted|you must be root/i.test(why)) {
    return new SluiceError('permission', `${program} may not change the firewall`, {
      why,
      fix: 'run the agent as root or with CAP_NET_ADMIN',
    });
  }
  return new SluiceError('failed', `${program} failed`, {
    why,
    details: { program, exitCode: result.exitCode },
  });
}

/** The nat table of the network namespace that `exec` runs in. */
export function iptablesNatTable(exec: Exec, tools: Tools, family: Family): NatTable {
  const run = async (
    action: 'save' | 'restore',
    args: readonly string[],
    input?: string,
  ): Promise<string> => {
    const program = tools.program(family, action);
    const result = await exec(program, args, { timeoutMs: TIMEOUT_MS, input });
    if (result.exitCode !== 0) throw failure(program, result);
    return result.stdout;
  };
  return {
    family,
    // legacy: `-t nat` would make the table by looking at it.
    read: async () => parseListing(await run('save', tools.variant === 'nft' ? ['-t', 'nat'] : [])),
    restore: async (text) => {
      assertRestoreText(text, family);
      await run('restore', ['--noflush', ...LOCK_WAIT], text);
    },
    absentParts: async () => (tools.variant === 'nft' ? absentParts(exec, family) : []),
    removeLeftovers: async (marks) => {
      if (tools.variant === 'nft')
        await removeLeftovers({ exec, family, iptables: tools.program(family) }, marks);
    },
  };
}
