/**
 * Owns reading what the rules of this node count, again and again, in whatever layout they are: which one is looked up once a minute, and when
 * there is nothing any more where it was. Reads only.
 */
import { SluiceError } from '../../errors.ts';
import type { Clock } from '../../host/clock.ts';
import type { Exec } from '../../host/exec.ts';
import { ifInstalled } from '../../host/if-installed.ts';
import type { Family } from '../../model/address.ts';
import { connectionCounts } from '../../rules/iptables/counters.ts';
import { CONNECTIONS_SET, nftFamily, TABLE } from '../../rules/nftables/names.ts';
import { parseConnections } from '../../rules/nftables/parse.ts';
import type { ConnectionCount } from '../dataplane.ts';
import { iptablesNatTable, restoreByExec } from '../iptables/nat-table.ts';
import { detectTools, hasOurChains } from '../iptables/variant.ts';
import type { Layout } from '../layout-choice.ts';
import { listNft } from './our-nftables.ts';

/** What was counted so far. */
export interface Counted {
  readonly layout: Layout;
  readonly counts: readonly ConnectionCount[];
  /** Length of what was read, rules of others among it: what reading costs goes with it. */
  readonly size: number;
}

/** Reads counts. */
export interface Counting {
  /**
   * @param families of the entries that matter
   * @returns undefined if there are no rules of ours
   * @throws SluiceError `permission`, `failed`
   */
  readonly read: (families: readonly Family[]) => Promise<Counted | undefined>;
}

/** How programs are run, all in the namespace to read. */
export interface CountingOptions {
  readonly exec: Exec;
  /** For what is run at every reading, one after the other; a program that is not installed may also end with 127. */
  readonly execOften: Exec;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/** Reads one family; undefined if nothing of ours is there. */
type ReadFamily = (family: Family) => Promise<Omit<Counted, 'layout'> | undefined>;

const LOOK_EVERY_MS = 60_000;

/** A shell says by its exit code that a program is not there. */
const notThere =
  (exec: Exec): Exec =>
  async (file, args, options) => {
    const result = await exec(file, args, options);
    if (result.exitCode !== 127) return result;
    throw new SluiceError('config', `cannot run ${file}: it is not installed`);
  };

function nftablesReader(exec: Exec): ReadFamily {
  return async (family) => {
    const args = ['-n', 'list', 'set', nftFamily(family), TABLE, CONNECTIONS_SET];
    const listing = await ifInstalled(async () => listNft(notThere(exec), args));
    if (listing === undefined) return undefined;
    return { counts: parseConnections(listing), size: listing.length };
  };
}

async function iptablesReader({ exec, execOften }: CountingOptions): Promise<ReadFamily | undefined> {
  const tools = await ifInstalled(async () => detectTools(exec));
  if (tools === undefined || !(await hasOurChains(exec, tools))) return undefined;
  const tables = (['ipv4', 'ipv6'] as const).map((family) =>
    iptablesNatTable({ exec: execOften, runRestore: restoreByExec(exec) }, tools, family),
  );
  return async (family) => {
    const listing = await tables.find((table) => table.family === family)?.countedListing();
    if (listing?.includes(':SLUICE-') !== true) return undefined;
    return { counts: connectionCounts(listing), size: listing.length };
  };
}

/** Makes a reader; reads nothing before it is asked. */
export function openCounting(options: CountingOptions): Counting {
  const { clock, exec, execOften } = options;
  const [nftables, nftablesOnce] = [nftablesReader(execOften), nftablesReader(exec)];
  let known: { readonly layout: Layout; readonly read: ReadFamily } | undefined;
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let hasFailed = false;

  /** Where both are, packets meet nftables first. */
  const look = async (families: readonly Family[]): Promise<void> => {
    lookedAtMs = clock.monotonicMs();
    const found = await Promise.all(families.map(nftablesOnce));
    if (found.some((counts) => counts !== undefined)) known = { layout: 'nftables', read: nftables };
    // Those that are in use say themselves when they are gone; four programs need not be asked for them again.
    else if (known?.layout !== 'iptables' || hasFailed) {
      const read = await iptablesReader(options);
      known = read === undefined ? undefined : { layout: 'iptables', read };
    }
    hasFailed = false;
  };

  return {
    read: async (families) => {
      if (families.length === 0) return undefined;
      if (clock.monotonicMs() - lookedAtMs >= LOOK_EVERY_MS) await look(families);
      if (known === undefined) return undefined;
      const { layout, read } = known;
      hasFailed = true;
      const found = (await Promise.all(families.map(read))).filter((one) => one !== undefined);
      hasFailed = false;
      if (found.length === 0) {
        known = undefined;
        return undefined;
      }
      const size = found.reduce((sum, one) => sum + one.size, 0);
      return { layout, counts: found.flatMap(({ counts }) => counts), size };
    },
  };
}
