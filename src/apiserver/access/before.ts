/**
 * Owns what is there before a write: the value of a key at the very revision that the transaction compares, so that a rule about "its own"
 * cannot be outrun. Must not know rules.
 */
import { SluiceError } from '../../errors.ts';
import { quoteValue } from '../../model/text.ts';
import type { GuardedTransaction } from '../../store/resolve.ts';
import type { KeyValue } from '../../store/store.ts';

/** Where present values are read. */
export interface Present {
  /** From memory; may be a moment old. */
  readonly cached: (key: string) => KeyValue | undefined;
  /** From the store. @throws SluiceError */
  readonly read: (key: string) => Promise<{ readonly revision: number; readonly item: KeyValue | undefined }>;
}

/** The transaction's own compare does not hold: it would be a conflict. */
export class Outdated extends Error {
  readonly revision: number;

  constructor(revision: number) {
    super('the compare does not hold');
    this.revision = revision;
  }
}

/** The revision that the transaction demands of a key: 0 = it must not exist; undefined = it demands none. */
function demanded({ compares }: GuardedTransaction, key: string): number | undefined {
  for (const compare of compares) {
    if (compare.kind === 'range-unchanged' || compare.key !== key) continue;
    if (compare.kind === 'mod-revision' || compare.equals === 0) return compare.equals;
  }
  return undefined;
}

/**
 * The item that the transaction will find under a key if its compares hold; undefined: none.
 * @throws SluiceError `permission` if the transaction does not compare the key's revision
 * @throws Outdated if the compare does not hold now
 */
export async function before(
  transaction: GuardedTransaction,
  key: string,
  present: Present,
): Promise<KeyValue | undefined> {
  const revision = demanded(transaction, key);
  if (revision === undefined) throw needsCompare(key);
  if (revision === 0) return undefined;
  const cached = present.cached(key);
  if (cached?.modRevision === revision) return cached;
  // A revision that is still to come could be guessed, so only what is there now counts.
  const fresh = await present.read(key);
  if (fresh.item?.modRevision === revision) return fresh.item;
  throw new Outdated(fresh.revision);
}

function needsCompare(key: string): SluiceError {
  return new SluiceError(
    'permission',
    `${quoteValue(key)} may be written only with a compare of its revision`,
    {
      why: 'whether this role may write it depends on what is there',
      fix: 'compare its mod-revision, or that it does not exist',
      details: { written: false, key },
    },
  );
}
