/**
 * Owns transaction texts for nft: a difference as lines, all for one transaction, or, for first loads and other large ones, for several. Pure.
 * What belongs to one entry (chains, map element, sets of clients, counters) always goes in one transaction; entries do not depend on each
 * other.
 */
import type { Family } from '../../model/address.ts';
import type { Delta } from './diff.ts';
import { fixedSets, HOOKS, sentRule } from './fixed-chains.ts';
import { CONNECTIONS_SET, ENTRIES_MAP, entryChainOf, HAIRPIN_SET, nftFamily, TABLE } from './names.ts';
import type { NftRules } from './nft-rules.ts';

/** One transaction. */
export interface Document {
  readonly text: string;
  readonly chainsChanged: number;
  readonly chainsRemoved: number;
  readonly rulesWritten: number;
}

/** A text above this is sent in several: a transaction goes to nft as arguments, of which the kernel takes 2 MB at least by default. */
const MAX_TEXT = 768 * 1024;

/** What becomes of the parts of one entry, or of the fixed chains. */
interface Group {
  readonly newChains: string[];
  readonly changedChains: string[];
  readonly goneChains: string[];
  readonly newEntries: string[];
  readonly goneEntries: string[];
  readonly newClients: string[];
  readonly goneClients: string[];
  readonly goneConnections: string[];
}

const emptyGroup = (): Group => ({
  newChains: [],
  changedChains: [],
  goneChains: [],
  newEntries: [],
  goneEntries: [],
  newClients: [],
  goneClients: [],
  goneConnections: [],
});

/** Parts of a difference by the chain of their entry; the fixed chains last, so that a first load hooks everything in at its end. */
function groupsOf(delta: Delta, installed: NftRules, desired: NftRules): readonly Group[] {
  const groups = new Map<string, Group>();
  const fixed = emptyGroup();
  const groupOf = (owner: string): Group => {
    if (!/^(tcp|udp)-/.test(owner)) return fixed;
    const known = groups.get(owner) ?? emptyGroup();
    groups.set(owner, known);
    return known;
  };
  for (const part of ['newChains', 'changedChains', 'goneChains', 'newClients', 'goneClients'] as const) {
    for (const name of delta[part]) groupOf(entryChainOf(name))[part].push(name);
  }
  for (const key of delta.newEntries) groupOf(desired.entries.get(key) ?? '').newEntries.push(key);
  for (const key of delta.goneEntries) {
    groupOf(desired.entries.get(key) ?? installed.entries.get(key) ?? '').goneEntries.push(key);
  }
  for (const key of delta.goneConnections) {
    const entry = key.split(' . ', 3).join(' . ');
    groupOf(installed.entries.get(entry) ?? '').goneConnections.push(key);
  }
  return [...groups.values(), fixed];
}

/** Writes lines for one family's table. */
interface Writer {
  readonly family: Family;
  readonly desired: NftRules;
}

const place = (family: Family): string => `${nftFamily(family)} ${TABLE}`;

/** Keys in one command. */
const KEYS = 2_000;

function elements(
  verb: 'add' | 'delete',
  family: Family,
  set: string,
  keys: readonly string[],
): readonly string[] {
  const lines: string[] = [];
  for (let start = 0; start < keys.length; start += KEYS) {
    lines.push(`${verb} element ${place(family)} ${set} { ${keys.slice(start, start + KEYS).join(', ')} }`);
  }
  return lines;
}

function chainLine(family: Family, name: string): string {
  const hook = HOOKS.get(name);
  return `add chain ${place(family)} ${name}${hook === undefined ? '' : ` { ${hook} }`}`;
}

/** Lines of some groups in the order in which the kernel takes them: nothing is used before it is there, nor removed while it is used. */
function linesOf({ family, desired }: Writer, groups: readonly Group[]): readonly string[] {
  const all = (part: keyof Group): readonly string[] => groups.flatMap((group) => group[part]);
  const at = place(family);
  const ip = family === 'ipv4' ? 'ipv4_addr' : 'ipv6_addr';
  const [newChains, changed, gone] = [all('newChains'), all('changedChains'), all('goneChains')];
  const connections = all('goneConnections');
  return [
    ...all('newClients').map(
      (name) => `add set ${at} ${name} { type ${ip}; size 65535; flags dynamic,timeout; }`,
    ),
    ...newChains.map((name) => chainLine(family, name)),
    ...[...changed, ...gone].map((name) => `flush chain ${at} ${name}`),
    ...[...newChains, ...changed].flatMap((name) =>
      (desired.chains.get(name) ?? []).map((rule) => `add rule ${at} ${name} ${sentRule(rule)}`),
    ),
    ...elements('delete', family, ENTRIES_MAP, all('goneEntries')),
    ...elements(
      'add',
      family,
      ENTRIES_MAP,
      all('newEntries').map((key) => `${key} : goto ${desired.entries.get(key) ?? ''}`),
    ),
    ...gone.map((name) => `delete chain ${at} ${name}`),
    ...all('goneClients').map((name) => `delete set ${at} ${name}`),
    // A counter is there only if a connection came; adding it first makes deleting it right in both cases.
    ...elements('add', family, CONNECTIONS_SET, connections),
    ...elements('delete', family, CONNECTIONS_SET, connections),
  ];
}

function documentOf(lines: readonly string[], groups: readonly Group[]): Document {
  const count = (part: keyof Group): number => groups.reduce((sum, group) => sum + group[part].length, 0);
  return {
    text: `${lines.join('\n')}\n`,
    chainsChanged: count('newChains') + count('changedChains'),
    chainsRemoved: count('goneChains'),
    rulesWritten: lines.filter((line) => line.startsWith('add rule ')).length,
  };
}

const lengthOf = (lines: readonly string[]): number => lines.reduce((sum, line) => sum + line.length + 1, 0);

/** Characters that surround a name in a line; more than there are. */
const AROUND = 80;

/** About how long the lines of a group are, without making them; not less. */
function sizeOf(desired: NftRules, group: Group): number {
  const ofNames = Object.values(group).flatMap((names: readonly string[]) => names);
  const ofRules = [...group.newChains, ...group.changedChains].flatMap((name) =>
    (desired.chains.get(name) ?? []).map((rule) => rule.length + name.length + AROUND / 2),
  );
  return (
    ofNames.reduce((sum, name) => sum + 2 * name.length + AROUND, 0) +
    ofRules.reduce((sum, length) => sum + length, 0)
  );
}

/** Items in runs that stay below the limit; a single larger item is a run of its own. */
function runsOf<T>(items: readonly T[], length: (item: T) => number): readonly (readonly T[])[] {
  const runs: T[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const item of items) {
    const added = length(item);
    if (size + added > MAX_TEXT) {
      runs.push([]);
      size = 0;
    }
    runs.at(-1)?.push(item);
    size += added;
  }
  return runs;
}

/** Lines that make the table with its map and sets. */
function tableLines(family: Family): readonly string[] {
  const sets = [...fixedSets(family)].map(
    ([name, body]) => `add ${name === ENTRIES_MAP ? 'map' : 'set'} ${place(family)} ${name} { ${body}; }`,
  );
  return [`add table ${place(family)}`, ...sets];
}

const pair = (ip: string): string => `${ip} . ${ip}`;

/** A difference with what it is between. */
export interface Change {
  readonly family: Family;
  readonly delta: Delta;
  readonly installed: NftRules;
  readonly desired: NftRules;
  /** `absent` makes the table first, `broken` deletes it before. */
  readonly table: 'present' | 'absent' | 'broken';
}

/** The transactions that bring the table to the desired rules, in order, made one by one; mostly one. */
export function* documentsOf(change: Change): Generator<Document, void, undefined> {
  const { family, delta, installed, desired, table } = change;
  const writer: Writer = { family, desired };
  const runs = runsOf(groupsOf(delta, installed, desired), (group) => sizeOf(desired, group));
  const before = [
    ...(table === 'broken' ? [`delete table ${place(family)}`] : []),
    ...(table === 'present' ? [] : tableLines(family)),
    ...elements('add', family, HAIRPIN_SET, delta.newHairpin.map(pair)),
  ];
  const after = elements('delete', family, HAIRPIN_SET, delta.goneHairpin.map(pair));
  const [groups = []] = runs;
  if (runs.length === 1 && lengthOf(before) + lengthOf(after) <= MAX_TEXT) {
    yield documentOf([...before, ...linesOf(writer, groups), ...after], groups);
    return;
  }
  const plain = (lines: readonly string[]): readonly Document[] =>
    runsOf(lines, (line) => line.length + 1).map((run) => documentOf(run, []));
  yield* plain(before);
  for (const run of runs) yield documentOf(linesOf(writer, run), run);
  yield* plain(after);
}

/** The transaction that removes everything of ours of a family. */
export const removalText = (family: Family): string => `delete table ${place(family)}\n`;
