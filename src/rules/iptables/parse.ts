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

/** Lines of the nat table in a listing of one or several tables. */
function natLines(listing: string): readonly string[] {
  const lines = listing.split('\n');
  const start = lines.indexOf('*nat');
  return start < 0 ? [] : lines.slice(start + 1, lines.indexOf('COMMIT', start));
}

/**
 * Reads the nat table of `iptables-save` output.
 * @throws SluiceError `failed` if the table was changed by native nft in a way that iptables cannot print
 */
export function parseListing(listing: string): Installed {
  if (/^# Table `nat' is incompatible/m.test(listing)) {
    throw new SluiceError('failed', 'the nat table holds rules that iptables cannot read', {
      why: 'somebody put native nft rules into the table "ip nat", which belongs to iptables-nft',
      fix: 'move those rules into a table of their own (nft list table ip nat shows them)',
    });
  }
  const chains = new Map<string, string[]>();
  const hooks: Hook[] = [];
  const foreignReferences: string[] = [];
  for (const line of natLines(listing)) {
    const name = line.split(' ', 2)[line.startsWith(':') ? 0 : 1]?.replace(/^:/, '') ?? '';
    if (line.startsWith(':')) {
      if (isOurChain(name)) chains.set(name, []);
      continue;
    }
    const own = chains.get(name);
    const hook = HOOK_OF_LINE.get(line);
    if (own !== undefined) own.push(line);
    else if (hook !== undefined) hooks.push(hook);
    else if (/ -[jg] SLUICE-/.test(line)) foreignReferences.push(line);
  }
  const marks = [...chains.keys()].filter((name) => name.startsWith(MARK_CHAIN_PREFIX)).toSorted();
  for (const mark of marks) chains.delete(mark);
  return { chains, hooks, marks, foreignReferences };
}
