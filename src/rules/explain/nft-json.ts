/** Owns reading `nft -j list …` into tables whose rules can be walked. Pure. */
import type { Family } from '../../model/address.ts';
import type { BaseChain, HookName, LiveChain, LiveRule, LiveTable } from './live.ts';
import { evaluateNft } from './nft-rule.ts';
import { ruleText } from './nft-text.ts';
import { asList, asNumber, asObject, asText, type Json, type NamedSets } from './nft-words.ts';

const HOOKS: readonly HookName[] = ['prerouting', 'input', 'forward', 'output', 'postrouting'];

/** A table as it is named in a listing. */
export interface TableName {
  readonly family: string;
  readonly name: string;
}

/** Objects of one kind, e.g. all rules. */
function objectsOf(listing: unknown, kind: string): readonly Json[] {
  return asList(asObject(listing)?.['nftables'])
    .map((item) => asObject(asObject(item)?.[kind]))
    .filter((object) => object !== undefined);
}

/** A chain as it is named in a listing. */
export interface NftChain extends TableName {
  /** Name of the table. */
  readonly table: string;
  /** Of base chains only. */
  readonly policy: string | undefined;
  readonly json: Json;
}

/** The chains that a listing names, without rules. */
export function chainsIn(listing: unknown): readonly NftChain[] {
  return objectsOf(listing, 'chain').map((json) => ({
    family: asText(json['family']),
    table: asText(json['table']),
    name: asText(json['name']),
    policy: json['hook'] === undefined ? undefined : asText(json['policy']),
    json,
  }));
}

/** The tables that a listing names, by tables themselves or by chains. */
function tableNames(listing: unknown): readonly TableName[] {
  const found = new Map<string, TableName>();
  for (const { family, table } of objectsOf(listing, 'chain')) {
    const name: TableName = { family: asText(family), name: asText(table) };
    found.set(`${name.family} ${name.name}`, name);
  }
  return [...found.values()];
}

function baseOf(chain: Json): BaseChain | undefined {
  const hook = HOOKS.find((name) => name === chain['hook']);
  const type = asText(chain['type']);
  if (hook === undefined) return undefined;
  return {
    chain: asText(chain['name']),
    hook,
    type: type === 'nat' || type === 'route' ? type : 'filter',
    priority: asNumber(chain['prio']) ?? 0,
    policy: chain['policy'] === 'drop' ? 'drop' : 'accept',
  };
}

/** Named counters. */
interface Counters {
  readonly get: (name: string) => number | undefined;
}

/** Packets of the rule's own counter, or of the named one that it uses. */
function packetsOf(expressions: readonly unknown[], counters: Counters): number | undefined {
  for (const expression of expressions) {
    const counter = asObject(expression)?.['counter'];
    if (typeof counter === 'string') return counters.get(counter);
    const packets = asNumber(asObject(counter)?.['packets']);
    if (packets !== undefined) return packets;
  }
  return undefined;
}

function liveRule(rule: Json, sets: NamedSets, counters: Counters): LiveRule {
  const expressions = asList(rule['expr']);
  const [family, table, chain] = [rule['family'], rule['table'], rule['chain']].map(asText);
  return {
    text: ruleText(expressions),
    packets: packetsOf(expressions, counters),
    remove: `nft delete rule ${family} ${table} ${chain} handle ${asText(rule['handle'])}`,
    evaluate: (packet) => evaluateNft(expressions, packet, sets),
  };
}

function chainOf(name: string, rules: readonly Json[], read: (rule: Json) => LiveRule): LiveChain {
  let live: readonly LiveRule[] | undefined;
  return { name, rules: () => (live ??= rules.map(read)) };
}

/** Named sets and maps, maps with their pairs. */
function namedSets(listing: unknown, isHere: (object: Json) => boolean): NamedSets {
  const all = [...objectsOf(listing, 'set'), ...objectsOf(listing, 'map')].filter(isHere);
  return new Map(all.map((set) => [asText(set['name']), asList(set['elem'])]));
}

function readTable(listing: unknown, { family, name }: TableName): LiveTable {
  const isHere = (object: Json): boolean => object['family'] === family && object['table'] === name;
  const sets = namedSets(listing, isHere);
  const counters = new Map(
    objectsOf(listing, 'counter')
      .filter(isHere)
      .map((counter) => [asText(counter['name']), asNumber(counter['packets']) ?? 0]),
  );
  const chains = objectsOf(listing, 'chain').filter(isHere);
  const rules = new Map<string, Json[]>(chains.map((chain) => [asText(chain['name']), []]));
  for (const rule of objectsOf(listing, 'rule').filter(isHere)) rules.get(asText(rule['chain']))?.push(rule);
  return {
    owner: 'nft',
    title: `${family} ${name} (nft)`,
    name,
    bases: chains.flatMap((chain) => baseOf(chain) ?? []),
    chains: new Map(
      [...rules].map(([chain, own]) => [
        chain,
        chainOf(chain, own, (rule) => liveRule(rule, sets, counters)),
      ]),
    ),
  };
}

/** Listings of single parts of a table; undefined as long as they are not known. */
export interface NftParts {
  readonly chain: (name: string) => unknown;
  readonly set: (name: string) => unknown;
  readonly counter: (name: string) => unknown;
}

/** A table whose chains, sets and counters are read as they are asked for. */
export function readLazyNft(
  { family, name }: TableName,
  chains: readonly NftChain[],
  parts: NftParts,
): LiveTable {
  const sets: NamedSets = {
    get: (set) => {
      const listing = parts.set(set);
      const [found] = [...objectsOf(listing, 'set'), ...objectsOf(listing, 'map')];
      return found === undefined ? undefined : asList(found['elem']);
    },
  };
  const counters: Counters = {
    get: (counter) => asNumber(objectsOf(parts.counter(counter), 'counter')[0]?.['packets']),
  };
  const known = new Map<string, readonly LiveRule[]>();
  const rules = (chain: string): readonly LiveRule[] => {
    const listing = known.has(chain) ? undefined : parts.chain(chain);
    if (listing !== undefined)
      known.set(
        chain,
        objectsOf(listing, 'rule').map((rule) => liveRule(rule, sets, counters)),
      );
    return known.get(chain) ?? [];
  };
  return {
    owner: 'nft',
    title: `${family} ${name} (nft)`,
    name,
    bases: chains.flatMap(({ json }) => baseOf(json) ?? []),
    chains: new Map(
      chains.map((chain) => [chain.name, { name: chain.name, rules: () => rules(chain.name) }]),
    ),
  };
}

/** The tables of a listing that packets of this IP family meet (`ip` or `ip6`, and `inet`). */
export function readNft(listing: unknown, family: Family): readonly LiveTable[] {
  const own = family === 'ipv4' ? 'ip' : 'ip6';
  return tableNames(listing)
    .filter((table) => table.family === own || table.family === 'inet')
    .map((table) => readTable(listing, table));
}
