/** Owns setting, listing and removing the ranges from which apps get entries. */
import { type EntryRange, parseNetwork } from '../model/entry-range.ts';
import { parseName } from '../model/name.ts';
import { decodeEntryRange, encodeEntryRange } from '../model/records-entry-range.ts';
import { ENTRY_RANGES, entryRangeKey } from '../store/keys.ts';
import { whyInvalid } from '../store/snapshot.ts';
import type { CallOptions, KeyValue } from '../store/store.ts';
import type { ReadDeps, WriteDeps } from './deps.ts';
import { notFound } from './not-found.ts';
import { writeRecorded } from './recorded.ts';
import type { InvalidRecord } from './views.ts';

/** All ranges. */
export interface EntryRangeList {
  readonly revision: number;
  readonly items: readonly EntryRange[];
  readonly invalid: readonly InvalidRecord[];
}

/** A change of a range. */
export interface EntryRangeChange {
  readonly range: EntryRange;
  readonly outcome: 'created' | 'updated' | 'unchanged' | 'deleted';
  /** Undefined where nothing was written. */
  readonly revision: number | undefined;
}

/** How a range is changed. */
export interface EntryRangeOptions {
  readonly reason: string | undefined;
  readonly dryRun: boolean;
}

const COMMAND = 'sluice range list';
const nameIn = ({ key }: KeyValue): string => key.slice(ENTRY_RANGES.start.length);

/** All ranges, in order of names. @throws SluiceError `unavailable`, `permission` */
export async function listEntryRanges({ store }: ReadDeps, options?: CallOptions): Promise<EntryRangeList> {
  const { revision, items } = await store.list(ENTRY_RANGES, options);
  const ranges: EntryRange[] = [];
  const invalid: InvalidRecord[] = [];
  for (const item of items) {
    try {
      ranges.push(decodeEntryRange(nameIn(item), item.value).value);
    } catch (error) {
      invalid.push({ key: item.key, why: whyInvalid(error) });
    }
  }
  return { revision, items: ranges, invalid };
}

/**
 * Sets a range: what was given to apps before stays theirs.
 * @throws SluiceError `invalid-spec`, and what writing throws
 */
export async function setEntryRange(
  deps: WriteDeps,
  wanted: Omit<EntryRange, 'createdAt'>,
  { reason, dryRun }: EntryRangeOptions,
): Promise<EntryRangeChange> {
  const name = parseName(wanted.name, 'name');
  const network = parseNetwork(wanted.network, '--network');
  const key = entryRangeKey(name);
  const { item } = await deps.store.get(key);
  const before = item && readable(() => decodeEntryRange(name, item.value).value);
  const createdAt = before?.createdAt ?? deps.clock.now().toISOString();
  const range = { ...wanted, name, network, createdAt };
  const value = encodeEntryRange(range);
  if (item?.value === value) return { range, outcome: 'unchanged', revision: undefined };
  const outcome = item === undefined ? 'created' : 'updated';
  if (dryRun) return { range, outcome, revision: undefined };
  const revision = await writeRecorded(deps, {
    subject: key,
    what: `range ${name}`,
    command: COMMAND,
    outcome,
    reason,
    compare: { kind: 'mod-revision', key, equals: item?.modRevision ?? 0 },
    operation: { kind: 'put', key, value },
  });
  return { range, outcome, revision };
}

/** A range that cannot be read counts as none: setting it is how it is repaired. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    whyInvalid(error);
    return undefined;
  }
}

/**
 * Removes a range: no app gets an entry of it any more, and those that have one keep it until they are gone.
 * @returns the revision, undefined where nothing was written
 * @throws SluiceError `not-found`, and what writing throws
 */
export async function removeEntryRange(
  deps: WriteDeps,
  name: string,
  { reason, dryRun }: EntryRangeOptions,
): Promise<number | undefined> {
  const { items } = await deps.store.list(ENTRY_RANGES);
  const item = items.find((one) => nameIn(one) === name);
  if (item === undefined) {
    const known = items.map(nameIn);
    throw notFound({ what: `range ${JSON.stringify(name)}`, word: name, known, command: COMMAND });
  }
  if (dryRun) return undefined;
  const { key, modRevision } = item;
  return writeRecorded(deps, {
    subject: key,
    what: `range ${name}`,
    command: COMMAND,
    outcome: 'deleted',
    reason,
    compare: { kind: 'mod-revision', key, equals: modRevision },
    operation: { kind: 'delete', key },
  });
}
