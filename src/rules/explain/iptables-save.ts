/** Owns reading `iptables-save -c` of any variant into tables whose rules can be walked. Pure; rules are cut up when they are asked for. */
import type { Family } from '../../model/address.ts';
import { chanceOf, matchRule } from './iptables-match.ts';
import { packetAfter, verdictOf } from './iptables-target.ts';
import { ruleWords } from './iptables-words.ts';
import type { BaseChain, HookName, LiveChain, LiveRule, LiveTable, Owner } from './live.ts';

/** Built-in chains, with the priorities of the kernel's nf_ip_hook_priorities. */
const HOOK_OF: Readonly<Record<string, HookName>> = {
  PREROUTING: 'prerouting',
  INPUT: 'input',
  FORWARD: 'forward',
  OUTPUT: 'output',
  POSTROUTING: 'postrouting',
};
const PRIORITY_OF: Readonly<Record<string, number>> = { raw: -300, mangle: -150, filter: 0, security: 50 };

function baseOf(table: string, chain: string, policy: string): BaseChain | undefined {
  const hook = HOOK_OF[chain];
  if (hook === undefined || policy === '-') return undefined;
  const isSource = hook === 'postrouting' || hook === 'input';
  return {
    chain,
    hook,
    type: table === 'nat' ? 'nat' : table === 'mangle' && hook === 'output' ? 'route' : 'filter',
    priority: table === 'nat' ? (isSource ? 100 : -100) : (PRIORITY_OF[table] ?? 0),
    policy: policy === 'DROP' ? 'drop' : 'accept',
  };
}

/** Who printed a listing, and of which family. */
export interface ListingSource {
  readonly owner: 'iptables-nft' | 'iptables-legacy';
  readonly family: Family;
}

interface RuleContext extends ListingSource {
  readonly table: string;
  readonly isChain: (name: string) => boolean;
}

function programOf({ owner, family }: ListingSource): string {
  const program = family === 'ipv4' ? 'iptables' : 'ip6tables';
  return `${program}${owner === 'iptables-nft' ? '-nft' : '-legacy'}`;
}

function liveRule(line: string, context: RuleContext): LiveRule {
  const [, packets, text = line] = /^\[(\d+):\d+\] (.*)$/.exec(line) ?? [];
  const words = ruleWords(text);
  const verdict = verdictOf(words, context.isChain);
  const chance = chanceOf(words);
  return {
    text,
    packets: packets === undefined ? undefined : Number(packets),
    remove: `${programOf(context)} -t ${context.table} ${text.replace(/^-A /, '-D ')}`,
    evaluate: (packet) => ({
      ...matchRule(words, packet),
      branches: [{ chance, verdict }],
      packet: packetAfter(words, packet),
    }),
  };
}

interface Section {
  readonly table: string;
  readonly bases: BaseChain[];
  readonly lines: Map<string, string[]>;
}

function readSections(listing: string): readonly Section[] {
  const sections: Section[] = [];
  let section: Section | undefined;
  for (const line of listing.split('\n')) {
    if (line.startsWith('*')) {
      section = { table: line.slice(1), bases: [], lines: new Map() };
      sections.push(section);
    } else if (section !== undefined && line.startsWith(':')) {
      const [name = '', policy = '-'] = line.slice(1).split(' ');
      section.lines.set(name, []);
      const base = baseOf(section.table, name, policy);
      if (base !== undefined) section.bases.push(base);
    } else if (section !== undefined && (line.startsWith('[') || line.startsWith('-A '))) {
      const chain = /-A (\S+)/.exec(line)?.[1] ?? '';
      section.lines.get(chain)?.push(line);
    }
  }
  return sections;
}

/** A chain that cuts its lines up once, when it is first asked. */
function liveChain(name: string, read: () => readonly LiveRule[]): LiveChain {
  let rules: readonly LiveRule[] | undefined;
  return { name, rules: () => (rules ??= read()) };
}

/** The tables of a listing. */
export function readIptables(listing: string, source: ListingSource): readonly LiveTable[] {
  const owner: Owner = source.owner;
  return readSections(listing).map(({ table, bases, lines }) => {
    const context: RuleContext = { ...source, table, isChain: (name) => lines.has(name) };
    return {
      owner,
      title: `${table} (${owner})`,
      name: table,
      bases,
      chains: new Map(
        [...lines].map(([name, own]) => [
          name,
          liveChain(name, () => own.map((line) => liveRule(line, context))),
        ]),
      ),
    };
  });
}

/** Where the rules of a table come from that is not read as a whole. */
export interface ChainLines {
  readonly source: ListingSource;
  /** Lines of a chain, as in a listing; undefined as long as they are not known. */
  readonly lines: (chain: string) => readonly string[] | undefined;
}

/**
 * A table whose chains are read as they are asked for.
 * @param policies all its chains with their policies; `-` for those that are not built in
 */
export function readLazyIptables(
  table: string,
  policies: ReadonlyMap<string, string>,
  { source, lines }: ChainLines,
): LiveTable {
  const context: RuleContext = { ...source, table, isChain: (name) => policies.has(name) };
  const known = new Map<string, readonly LiveRule[]>();
  const rules = (name: string): readonly LiveRule[] => {
    const own = known.get(name) ?? lines(name)?.map((line) => liveRule(line, context));
    if (own !== undefined) known.set(name, own);
    return own ?? [];
  };
  return {
    owner: source.owner,
    title: `${table} (${source.owner})`,
    name: table,
    bases: [...policies].flatMap(([name, policy]) => baseOf(table, name, policy) ?? []),
    chains: new Map([...policies.keys()].map((name) => [name, { name, rules: () => rules(name) }])),
  };
}

/** Names of tables that the listing leaves out because native nft put rules into them that iptables cannot print. */
export function incompatibleTables(listing: string): readonly string[] {
  return [...listing.matchAll(/^# Table `(\w+)' is incompatible/gm)].map(([, name]) => name ?? '');
}
