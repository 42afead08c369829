/** Owns holding the nftables layout as installed against the ruleset: byte for byte, with what the kernel counted. Pure. */
import { type Address, type Family, formatAddress } from '../../model/address.ts';
import { type Entry, formatEntry } from '../../model/entry.ts';
import { entriesOf } from '../families.ts';
import { fixedSets, HOOKS } from '../nftables/fixed-chains.ts';
import { entryChainName, entryChainOf, nftFamily, TABLE } from '../nftables/names.ts';
import type { NftRules } from '../nftables/nft-rules.ts';
import type { Installed } from '../nftables/parse.ts';
import { renderRules } from '../nftables/render.ts';
import { turnMatch } from '../nftables/turns.ts';
import type { EntryRules, Ruleset } from '../ruleset.ts';
import type { Comparison, Difference, Tally } from './comparison.ts';
import { chainDifferences, differenceOf, setDifference } from './lines.ts';
import { turnSlack } from './turn-slack.ts';

/** What was read of our table of one family. */
export interface LiveNftables {
  /** Undefined if the table is not there. */
  readonly installed: Installed | undefined;
  readonly connections: readonly {
    readonly entry: Entry;
    readonly instance: Address;
    readonly connections: number;
  }[];
  /** The node's name, from which the phases of its rules are made; undefined if no agent says it: then phases are not compared. */
  readonly node: string | undefined;
}

/** A rule that is the same on all nodes: turns that begin at 0. */
function withoutPhase(line: string): string {
  return line.replace(
    /^numgen inc mod (\d+) (!= )?(\d+)(?:-(\d+))? /,
    (_, modulus: string, not: string | undefined, first: string, last = first) => {
      const named = Number(last) - Number(first) + 1;
      const count = not === undefined ? named : Number(modulus) - named;
      return `${turnMatch({ modulus: Number(modulus), count }, undefined)} `;
    },
  );
}

const withoutPhases = (chains: NftRules['chains']): NftRules['chains'] =>
  new Map([...chains].map(([name, lines]) => [name, lines.map(withoutPhase)]));

/** What is broken in a way that only a new table mends: a set of another type, a base chain with another hook. */
function frameDifferences(installed: Installed, family: Family): readonly Difference[] {
  if (installed.table === 'present') return [];
  const desired = [
    ...[...HOOKS].map(([name, hook]) => `chain ${name} { ${hook} }`),
    ...[...fixedSets(family)].map(([name, body]) => `set ${name} { ${body} }`),
  ];
  const chain = `hooks and sets of ${nftFamily(family)} ${TABLE}`;
  return [differenceOf({ part: 'rules', chain, service: undefined }, { desired, found: [] })];
}

/** Elements of the map as lists of lines, by name. */
const elements = ({ entries }: NftRules): ReadonlyMap<string, readonly string[]> =>
  new Map([...entries].map(([key, chain]) => [`entries ${key}`, [`goto ${chain}`]]));

function differences(
  { desired, services }: { readonly desired: NftRules; readonly services: ReadonlyMap<string, string> },
  installed: Installed,
  family: Family,
): readonly Difference[] {
  const serviceOf = (name: string): string | undefined => services.get(entryChainOf(name));
  const of = (name: string): string => `${name} of ${nftFamily(family)} ${TABLE}`;
  const shared = { part: 'rules', service: undefined } as const;
  const chainOfKey = new Map([...installed.entries, ...desired.entries].map(([key, chain]) => [key, chain]));
  return [
    ...frameDifferences(installed, family),
    ...chainDifferences(elements(desired), elements(installed), (name) => ({
      part: 'rules',
      service: serviceOf(chainOfKey.get(name.slice('entries '.length)) ?? ''),
    })),
    ...chainDifferences(desired.chains, installed.chains, (name) => ({
      part: 'rules',
      service: serviceOf(name),
    })),
    ...setDifference({ ...shared, chain: of('set hairpin') }, desired.hairpin, installed.hairpin),
    ...setDifference({ ...shared, chain: of('sets of clients') }, desired.clients, installed.clients),
    ...setDifference({ ...shared, chain: of('strangers') }, new Set(), new Set(installed.foreign)),
  ];
}

/** Reading one counter takes the kernel and nft 2 µs (50,000: 100 ms); with room for a busy machine. */
const COUNTER_MS = 0.01;

function tallyOf(rules: EntryRules, counts: ReadonlyMap<string, number>, skewMs: number): Tally {
  const { entry, service, targets, affinitySeconds } = rules;
  const own = targets.map((target) => counts.get(formatAddress(target)) ?? 0);
  const weights = targets.reduce((sum, { weight }) => sum + weight, 0);
  return {
    entry,
    service,
    connections: own.reduce((sum, count) => sum + count, 0),
    counts: own,
    shares: targets.map(({ weight }) => weight / weights),
    how:
      affinitySeconds === undefined
        ? { kind: 'turns', slack: turnSlack(targets), skewMs }
        : { kind: 'clients' },
  };
}

function talliesOf(
  entries: readonly EntryRules[],
  connections: LiveNftables['connections'],
): readonly Tally[] {
  const byEntry = new Map<string, Map<string, number>>();
  for (const { entry, instance, connections: count } of connections) {
    const key = formatEntry(entry);
    const counts = byEntry.get(key) ?? new Map<string, number>();
    byEntry.set(key, counts.set(formatAddress(instance), count));
  }
  return entries
    .filter(({ targets }) => targets.length > 0)
    .map((rules) =>
      tallyOf(rules, byEntry.get(formatEntry(rules.entry)) ?? new Map(), connections.length * COUNTER_MS),
    );
}

/** Compares one family. */
export function compareNftables(ruleset: Ruleset, family: Family, live: LiveNftables): Comparison {
  const entries = entriesOf(ruleset, family);
  const { installed, node } = live;
  if (installed === undefined) {
    if (entries.length === 0) return { differences: [], tallies: [] };
    const chain = `table ${nftFamily(family)} ${TABLE}`;
    const held = { desired: [chain], found: undefined };
    return {
      differences: [differenceOf({ part: 'rules', chain, service: undefined }, held)],
      tallies: [],
    };
  }
  const exact = renderRules(ruleset, family, node ?? '');
  const services = new Map(entries.map(({ entry, service }) => [entryChainName(entry), service]));
  const desired = node === undefined ? { ...exact, chains: withoutPhases(exact.chains) } : exact;
  const found = node === undefined ? { ...installed, chains: withoutPhases(installed.chains) } : installed;
  return {
    differences: differences({ desired, services }, found, family),
    tallies: talliesOf(entries, live.connections),
  };
}
