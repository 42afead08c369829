/**
 * Owns restore texts: a difference as one transaction for `iptables-restore --noflush`, or, for first loads, as several. Pure.
 * A chain that is declared is emptied and filled anew; a chain that is not named stays untouched, with its counters.
 */
import type { Chains } from './chains.ts';
import { ENTRIES_CHAIN, serviceChainOf } from './chain-names.ts';
import type { Delta } from './diff.ts';
import { type Hook, HOOKS } from './fixed-chains.ts';
import type { Installed } from './parse.ts';

/** One transaction. */
export interface Document {
  readonly text: string;
  readonly chainsChanged: number;
  readonly chainsRemoved: number;
  /** Rules in the text, hooks included. */
  readonly rulesWritten: number;
  /** False if no packet reaches what it writes. */
  readonly isReached: boolean;
}

/** More services than this in one difference are sent in chunks (one transaction of 10,000 stalls connects for a second). */
const CHUNK_ABOVE = 2_000;
const CHUNK = 500;
/**
 * Chains of the trie in one text of a first load: iptables-nft looks every rule's chain up in a list of those that the text names, so that
 * 670 chains with 10,700 rules in one text take 2.5 s, and in texts of so many 0.4 s (measured, 1.8.9).
 */
const TRIE_CHUNK = 56;

interface Parts {
  readonly changed?: readonly string[];
  readonly gone?: readonly string[];
  readonly insert?: readonly Hook[];
  readonly remove?: readonly Hook[];
  readonly marks?: readonly string[];
}

/** Chains are declared in descending order of names: iptables-nft inserts each into a sorted list, from its front. */
function documentOf(desired: Chains, parts: Parts): Document {
  const { changed = [], gone = [], insert = [], remove = [], marks = [] } = parts;
  const rules = changed.flatMap((name) => desired.get(name) ?? []);
  const lines = [
    '*nat',
    ...[...marks, ...changed, ...gone]
      .toSorted()
      .toReversed()
      .map((name) => `:${name} - [0:0]`),
    ...remove.map((hook) => `-D ${hook.builtin} -j ${hook.chain}`),
    ...rules,
    ...insert.map((hook) => `-I ${hook.builtin} -j ${hook.chain}`),
    ...gone.map((name) => `-X ${name}`),
    'COMMIT',
    '',
  ];
  return {
    text: lines.join('\n'),
    chainsChanged: changed.length,
    chainsRemoved: gone.length,
    rulesWritten: rules.length + insert.length,
    isReached: true,
  };
}

/** Changed chains of services, grouped so that the chains of one service stay together. */
function serviceGroups(changed: readonly string[]): readonly (readonly string[])[] {
  const groups = new Map<string, string[]>();
  for (const name of changed) {
    const service = serviceChainOf(name);
    if (service === undefined) continue;
    const group = groups.get(service);
    if (group === undefined) groups.set(service, [name]);
    else group.push(name);
  }
  return [...groups.values()];
}

/** True if no packet reaches our chains until the hooks are inserted. */
const isUnreached = (insert: readonly Hook[]): boolean =>
  HOOKS.filter(({ chain }) => chain === ENTRIES_CHAIN).every((hook) => insert.includes(hook));

function slices<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, at) =>
    items.slice(at * size, (at + 1) * size),
  );
}

/** How a difference is sent. */
export interface DocumentOptions {
  /** Names of mark chains to make, in the first transaction. */
  readonly marks?: readonly string[];
  /** All in one, however much: for iptables-legacy, where every transaction rewrites the whole table. */
  readonly isWhole?: boolean;
}

/**
 * The transactions that bring the installed chains to the desired ones, in order, made one by one: one, or, if more than 2,000 services change, their
 * chains in chunks of 500 services, then the trie and what is gone, then the hooks. The trie is in one, so that no packet sees half of
 * it, unless no packet reaches it yet.
 */
export function* documentsOf(
  delta: Delta,
  desired: Chains,
  { marks = [], isWhole = false }: DocumentOptions = {},
): Generator<Document, void, undefined> {
  const { changed, gone, missingHooks: insert, extraHooks: remove } = delta;
  const groups = serviceGroups(changed);
  if (isWhole || groups.length <= CHUNK_ABOVE) {
    yield documentOf(desired, { changed, gone, insert, remove, marks });
    return;
  }
  const isReached = !isUnreached(insert);
  for (const [at, chunk] of slices(groups, CHUNK).entries())
    yield { ...documentOf(desired, { changed: chunk.flat(), marks: at === 0 ? marks : [] }), isReached };
  const trie = changed.filter((name) => serviceChainOf(name) === undefined);
  if (isReached) yield documentOf(desired, { changed: trie, gone });
  else {
    yield { ...documentOf(new Map(), { changed: trie, gone }), chainsChanged: 0, isReached };
    for (const chunk of slices(trie, TRIE_CHUNK))
      yield { ...documentOf(desired, { changed: chunk }), isReached };
  }
  if (insert.length + remove.length > 0) yield documentOf(desired, { insert, remove });
}

/** The transaction that removes everything of ours, marks included. */
export function removalOf(installed: Installed): Document {
  const gone = [...installed.chains.keys(), ...installed.marks].toSorted();
  return documentOf(new Map(), { gone, remove: installed.hooks });
}
