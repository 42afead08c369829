/**
 * Owns how a difference becomes transactions for nft: one, or, where it is large, several. Pure. What belongs to one entry (chains, map
 * element, sets of clients, counters) always goes in one transaction; entries do not depend on each other.
 */
import type { Family } from '../../model/address.ts';
import type { Delta } from './diff.ts';
import { entryChainOf } from './names.ts';
import type { NftRules } from './nft-rules.ts';
import {
  hairpinLines,
  type Lines,
  linesOf,
  type Parts,
  tableLines,
  type TableState,
} from './transaction-lines.ts';

/** One transaction. */
export interface Document {
  readonly text: string;
  readonly chainsChanged: number;
  readonly chainsRemoved: number;
  readonly rulesWritten: number;
  /** False if no packet reaches what it writes. */
  readonly isReached: boolean;
}

/** A text above this is sent in several: a transaction goes to nft as arguments, of which the kernel takes 2 MB at least by default. */
const MAX_TEXT = 768 * 1024;

/** What becomes of the parts of one entry, or of the fixed chains. */
type Group = { readonly [Part in keyof Parts]: Parts[Part][number][] };

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
  for (const part of ['newChains', 'changedChains'] as const) {
    for (const name of delta[part])
      groupOf(entryChainOf(name))[part].push({ name, lines: desired.chains.get(name) ?? [] });
  }
  for (const part of ['goneChains', 'newClients', 'goneClients'] as const) {
    for (const name of delta[part]) groupOf(entryChainOf(name))[part].push(name);
  }
  for (const key of delta.newEntries) {
    const chain = desired.entries.get(key) ?? '';
    groupOf(chain).newEntries.push([key, chain]);
  }
  for (const key of delta.goneEntries) {
    groupOf(desired.entries.get(key) ?? installed.entries.get(key) ?? '').goneEntries.push(key);
  }
  for (const key of delta.goneConnections) {
    const entry = key.split(' . ', 3).join(' . ');
    groupOf(installed.entries.get(entry) ?? '').goneConnections.push(key);
  }
  return [...groups.values(), fixed];
}

/** Several groups as one. */
export function joined(groups: readonly Parts[]): Parts {
  return {
    newChains: groups.flatMap(({ newChains }) => newChains),
    changedChains: groups.flatMap(({ changedChains }) => changedChains),
    goneChains: groups.flatMap(({ goneChains }) => goneChains),
    newEntries: groups.flatMap(({ newEntries }) => newEntries),
    goneEntries: groups.flatMap(({ goneEntries }) => goneEntries),
    newClients: groups.flatMap(({ newClients }) => newClients),
    goneClients: groups.flatMap(({ goneClients }) => goneClients),
    goneConnections: groups.flatMap(({ goneConnections }) => goneConnections),
  };
}

/** No parts. */
export const NO_PARTS: Parts = emptyGroup();

/** Lines as one transaction. @param parts what is in them */
export function documentOf({ lines, rules }: Lines, parts: Parts = NO_PARTS): Document {
  return {
    text: `${lines.join('\n')}\n`,
    chainsChanged: parts.newChains.length + parts.changedChains.length,
    chainsRemoved: parts.goneChains.length,
    rulesWritten: rules,
    isReached: true,
  };
}

const lengthOf = (lines: readonly string[]): number => lines.reduce((sum, line) => sum + line.length + 1, 0);

/** Characters that surround a name where it stands; more than there are. */
const AROUND = 80;

/** About how long the lines of these parts are, without making them; not less. */
export function sizeOf(parts: Parts): number {
  let size = 0;
  for (const { name, lines } of [...parts.newChains, ...parts.changedChains])
    size += 2 * name.length + AROUND + lengthOf(lines);
  for (const [key, chain] of parts.newEntries) size += key.length + chain.length + AROUND;
  for (const names of [parts.goneChains, parts.goneEntries, parts.newClients, parts.goneClients])
    for (const name of names) size += 2 * name.length + AROUND;
  for (const key of parts.goneConnections) size += 2 * (key.length + AROUND);
  return size;
}

/**
 * Items in runs of texts that stay below what one transaction takes; a single larger item is a run of its own. As lazy as the items.
 * @param size about how long the item's lines are, not less
 */
export function* runsOf<T>(
  items: Iterable<T>,
  size: (item: T) => number,
): Generator<readonly T[], void, undefined> {
  let run: T[] = [];
  let total = 0;
  for (const item of items) {
    const added = size(item);
    if (run.length > 0 && total + added > MAX_TEXT) {
      yield run;
      [run, total] = [[], 0];
    }
    run.push(item);
    total += added;
  }
  if (run.length > 0) yield run;
}

/** A difference with what it is between. */
export interface Change {
  readonly family: Family;
  readonly delta: Delta;
  readonly installed: NftRules;
  readonly desired: NftRules;
  readonly table: TableState;
}

/** The transactions that bring the table to the desired rules, in order, made one by one; mostly one. */
export function* documentsOf(change: Change): Generator<Document, void, undefined> {
  const { family, delta, installed, desired, table } = change;
  const runs = [...runsOf(groupsOf(delta, installed, desired), sizeOf)].map(joined);
  const before = [...tableLines(family, table), ...hairpinLines('add', family, delta.newHairpin)];
  const after = hairpinLines('delete', family, delta.goneHairpin);
  const [only = NO_PARTS] = runs;
  if (runs.length === 1 && lengthOf(before) + lengthOf(after) <= MAX_TEXT) {
    const { lines, rules } = linesOf(family, only);
    yield documentOf({ lines: [...before, ...lines, ...after], rules }, only);
    return;
  }
  const plain = (lines: readonly string[]): readonly Document[] =>
    [...runsOf(lines, (line) => line.length + 1)].map((run) => documentOf({ lines: run, rules: 0 }));
  yield* plain(before);
  for (const parts of runs) yield documentOf(linesOf(family, parts), parts);
  yield* plain(after);
}
