/**
 * Owns reading `iptables-save` text back into data: our chains, our hooks, and nothing of anybody else. Pure. Lines are kept as printed,
 * since what we write is what is printed back.
 */
import { SluiceError } from '../../errors.ts';
import type { Chains } from './chains.ts';
import { isOurChain, MARK_CHAIN_PREFIX } from './chain-names.ts';
import { type Hook, HOOKS } from './fixed-chains.ts';

/** What is in a nat table of one family. */
export interface Installed {
  /** Our chains with their rules; without the marks. */
  readonly chains: Chains;
  /** Our hooks as found, a repeated one as often as it stands there. */
  readonly hooks: readonly Hook[];
  /** Names of our mark chains, sorted. */
  readonly marks: readonly string[];
  /** Lines of foreign chains that name a chain of ours in a way that is no hook of ours. */
  readonly foreignReferences: readonly string[];
}

/** A nat table without anything of ours. */
export const NOTHING_INSTALLED: Installed = {
  chains: new Map(),
  hooks: [],
  marks: [],
  foreignReferences: [],
};

/** The hook as it stands in a listing. */
export const hookLine = (hook: Hook): string => `-A ${hook.builtin} -j ${hook.chain}`;

const HOOK_OF_LINE: ReadonlyMap<string, Hook> = new Map(HOOKS.map((hook) => [hookLine(hook), hook]));

/** Lines of the nat table in a listing of one or several tables, one by one: a listing of 10,000 services has 90,000. */
function* natLines(listing: string): Generator<string, void, undefined> {
  const table = listing.startsWith('*nat\n') ? 0 : listing.indexOf('\n*nat\n') + 1;
  if (!listing.startsWith('*nat\n', table)) return;
  let start = listing.indexOf('\n', table) + 1;
  for (let end = listing.indexOf('\n', start); end >= 0; end = listing.indexOf('\n', start)) {
    const line = listing.slice(start, end);
    if (line === 'COMMIT') return;
    yield line;
    start = end + 1;
  }
}

/** A chain while it is read: as long as its lines are those that are known, none is kept. */
interface Reading {
  readonly known: readonly string[];
  same: number;
  own: string[] | undefined;
}

function take(reading: Reading, line: string): void {
  if (reading.own === undefined && reading.known[reading.same] === line) {
    reading.same += 1;
    return;
  }
  reading.own ??= reading.known.slice(0, reading.same);
  reading.own.push(line);
}

function linesOf({ known, same, own }: Reading): readonly string[] {
  return own ?? (same === known.length ? known : known.slice(0, same));
}

const NOTHING_KNOWN: readonly string[] = [];

/**
 * Reads the nat table of `iptables-save` output.
 * @param known chains as they should be: what is read as it is there is the very array, and nothing of the listing is kept for it
 * @throws SluiceError `failed` if the table was changed by native nft in a way that iptables cannot print
 */
export function parseListing(listing: string, known?: Chains): Installed {
  if (/^# Table `nat' is incompatible/m.test(listing)) {
    throw new SluiceError('failed', 'the nat table holds rules that iptables cannot read', {
      why: 'somebody put native nft rules into the table "ip nat", which belongs to iptables-nft',
      fix: 'move those rules into a table of their own (nft list table ip nat shows them)',
    });
  }
  const readings = new Map<string, Reading>();
  const hooks: Hook[] = [];
  const foreignReferences: string[] = [];
  for (const line of natLines(listing)) {
    if (line.startsWith(':')) {
      const name = line.slice(1).split(' ', 1)[0] ?? '';
      if (isOurChain(name))
        readings.set(name, { known: known?.get(name) ?? NOTHING_KNOWN, same: 0, own: undefined });
      continue;
    }
    const own = readings.get(line.split(' ', 2)[1] ?? '');
    const hook = HOOK_OF_LINE.get(line);
    if (own !== undefined) take(own, line);
    else if (hook !== undefined) hooks.push(hook);
    else if (/ -[jg] SLUICE-/.test(line)) foreignReferences.push(line);
  }
  const chains = new Map<string, readonly string[]>();
  const marks: string[] = [];
  for (const [name, reading] of readings) {
    if (name.startsWith(MARK_CHAIN_PREFIX)) marks.push(name);
    else chains.set(name, linesOf(reading));
  }
  return { chains, hooks, marks: marks.toSorted(), foreignReferences };
}
