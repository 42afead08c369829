/**
 * Owns the edge to one family's nat table: reading it and sending it one transaction. Every text passes the grammar here, and there is
 * no other way to iptables-restore.
 */
import { SluiceError } from '../../errors.ts';
import { type Coprocess, createCoprocess } from '../../host/coprocess.ts';
import type { Exec, ExecResult } from '../../host/exec.ts';
import type { Family } from '../../model/address.ts';
import type { Chains } from '../../rules/iptables/chains.ts';
import { assertRestoreText } from '../../rules/iptables/grammar.ts';
import { type Installed, parseListing } from '../../rules/iptables/parse.ts';
import type { Prepare } from '../send.ts';
import { absentParts, removeLeftovers } from './leftovers.ts';
import type { Tools } from './variant.ts';

/** A nat table of one family, real or modelled. */
export interface NatTable {
  readonly family: Family;
  /** A transaction costs what the table holds, not what it changes. */
  readonly rewritesWhole: boolean;
  /**
   * What is there of ours.
   * @param known chains as they should be: those that are so come back as the very arrays
   * @throws SluiceError `config`, `permission`, `failed`
   */
  readonly read: (known?: Chains) => Promise<Installed>;
  /** Listing with counters, as `iptables-save -c` prints it. */
  readonly countedListing: () => Promise<string>;
  /**
   * One transaction, all or nothing, checked now and sent when what is returned is called.
   * @throws SluiceError `internal` (grammar; nothing sent); when sent, `permission`, `failed`
   */
  readonly prepare: Prepare;
  /** Names of mark chains for what of the table is not there yet. */
  readonly absentParts: () => Promise<readonly string[]>;
  /** Removes those marked parts that are empty; never throws for one that is in use. */
  readonly removeLeftovers: (marks: readonly string[]) => Promise<void>;
}

/** Seconds to wait for the lock of iptables-legacy; the nft variant has none. */
const RESTORE_ARGS = ['--noflush', '-w', '5'] as const;
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
  const isTooLong = /message too long/i.test(why);
  return new SluiceError('failed', `${program} failed`, {
    why,
    // Root of the machine is not bound by net.core.wmem_max; root of a user namespace (sluice dev) is.
    fix: isTooLong ? 'publish about 100 services at a time, or run as root of the machine' : undefined,
    details: { program, exitCode: result.exitCode },
  });
}

/** Runs `iptables-restore --noflush` with a text. */
export type RunRestore = (program: string, text: string) => Promise<ExecResult>;

/** How a nat table runs its programs. */
export interface NatTableExec {
  readonly exec: Exec;
  readonly runRestore: RunRestore;
}

/** Starts the program for each text. */
export const restoreByExec =
  (exec: Exec): RunRestore =>
  (program, text) =>
    exec(program, RESTORE_ARGS, { timeoutMs: TIMEOUT_MS, input: text });

/** How programs are kept; both have a default. */
export interface CoprocessRestore {
  /** Told the pid of every run, before its answer. */
  readonly onPid?: (pid: number) => void;
  /** What runs a program, e.g. in another namespace; default: itself. */
  readonly argv?: (file: string, args: readonly string[]) => readonly [string, readonly string[]];
}

const DONE = '# done by sluice';
/** More than the program gathers of its output before it writes some. */
const DONE_LINES = `${DONE} ${'.'.repeat(500)}\n`.repeat(10);

/**
 * Keeps a small process for each program, which starts it before there is a text: for agents, that apply changes all day. Until its text is there
 * the program has no lock and has read nothing of the tables.
 *
 * With -v it repeats comments when it comes to them: one after COMMIT says that the kernel has the rules. Its end says so, too, but comes much later
 * with nf_tables, as closing the socket waits until no packet is under way in the old rules (12 ms, and 40 ms on a busy machine).
 */
export function restoreByCoprocess({
  onPid,
  argv = (file, args) => [file, args],
}: CoprocessRestore = {}): RunRestore {
  const coprocesses = new Map<string, Coprocess>();
  return (program, text) => {
    const [file, args] = argv(program, [...RESTORE_ARGS, '-v']);
    const coprocess =
      coprocesses.get(program) ?? createCoprocess([file, ...args], { onPid, isAhead: true, doneAt: DONE });
    coprocesses.set(program, coprocess);
    return coprocess.run(text + DONE_LINES, TIMEOUT_MS);
  };
}

/** The nat table of the network namespace that programs are run in. */
export function iptablesNatTable({ exec, runRestore }: NatTableExec, tools: Tools, family: Family): NatTable {
  const [save, restore] = [tools.program(family, 'save'), tools.program(family, 'restore')];
  const list = async (flags: readonly string[]): Promise<string> => {
    // legacy: `-t nat` would make the table by looking at it.
    const args = [...flags, ...(tools.variant === 'nft' ? ['-t', 'nat'] : [])];
    const result = await exec(save, args, { timeoutMs: TIMEOUT_MS });
    if (result.exitCode !== 0) throw failure(save, result);
    return result.stdout;
  };
  return {
    family,
    rewritesWhole: tools.variant === 'legacy',
    read: async (known) => parseListing(await list([]), known),
    countedListing: async () => list(['-c']),
    prepare: (text) => {
      assertRestoreText(text, family);
      return async () => {
        const result = await runRestore(restore, text);
        if (result.exitCode !== 0) throw failure(restore, result);
      };
    },
    absentParts: async () => (tools.variant === 'nft' ? absentParts(exec, family) : []),
    removeLeftovers: async (marks) => {
      if (tools.variant === 'nft')
        await removeLeftovers({ exec, family, iptables: tools.program(family) }, marks);
    },
  };
}
