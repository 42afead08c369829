/**
 * Owns what is done about a write whose answer was lost, for every store alike: send once, then find out through the
 * request key. Must not know how a transaction travels.
 */
import { interrupted, unavailable, unknownOutcome } from './failure.ts';
import type { Compare, KeyValue, Operation, Transaction, TransactionResult } from './store.ts';

/**
 * What is put under a request key to make a lost original fail its compare should it still arrive.
 * Readers of audit records must pass over it.
 */
export const TOMBSTONE = '{"aborted":true}';

/** A transaction as it is sent: `elseGet` is read in the same transaction if a compare fails. */
export interface GuardedTransaction {
  readonly compares: readonly Compare[];
  readonly operations: readonly Operation[];
  readonly elseGet?: string | undefined;
}

/** What became of one sending. */
export type Attempt =
  | { readonly kind: 'done'; readonly revision: number }
  | { readonly kind: 'conflict'; readonly revision: number; readonly found: KeyValue | undefined }
  /** It is certain that nothing was written. */
  | { readonly kind: 'not-sent'; readonly why: string }
  /** It may have been written. */
  | { readonly kind: 'ambiguous'; readonly why: string };

/** What `transactResolved` needs of a store. */
export interface TransactionPort {
  readonly store: string;
  /** Sends once; may try other servers only while it is certain that nothing was sent. */
  readonly send: (transaction: GuardedTransaction) => Promise<Attempt>;
  /** Milliseconds left of the call's budget. */
  readonly remainingMs: () => number;
  /** Waits a moment between two attempts to find out. */
  readonly pause: () => Promise<void>;
  /** The caller has given up: nothing more is sent, but what was sent is still found out about. */
  readonly signal?: AbortSignal | undefined;
  /** The store was closed: nothing can be found out any more. */
  readonly closed?: AbortSignal | undefined;
}

/** What must be left of the budget to send a write again that is known not to have been done. */
const RETRY_FLOOR_MS = 300;

/**
 * Does a transaction; finds out through its request key if the answer was lost.
 *
 * The original compares the request key's modRevision with what was last seen (0 at first). After a lost answer a second
 * transaction with the same compare puts a tombstone: if that succeeds the original was not done and never will be;
 * if it does not, the key holds either our own record (done) or an earlier tombstone of ours.
 * @throws SluiceError `unavailable` (not written), `unknown`, `interrupted`
 */
export async function transactResolved(
  transaction: Transaction,
  port: TransactionPort,
): Promise<TransactionResult> {
  if (isAborted(port.signal)) throw interrupted({ store: port.store });
  let seen = 0;
  for (let round = 0; ; round += 1) {
    const attempt = await port.send(guard(transaction, seen));
    if (attempt.kind === 'done') return { kind: 'done', revision: attempt.revision };
    if (attempt.kind === 'conflict') return settled(transaction, attempt);
    if (attempt.kind === 'not-sent' && isAborted(port.signal)) throw interrupted({ store: port.store });
    if (attempt.kind === 'not-sent') throw unavailable(attempt.why, { store: port.store });
    if (transaction.requestKey === undefined) throw unknownOutcome(attempt.why, { store: port.store });
    const outcome = await findOut(transaction.requestKey, seen, port);
    if (outcome.kind === 'unknown') {
      const details = { requestKey: transaction.requestKey };
      throw unknownOutcome(`${attempt.why}; then ${outcome.why}`, { store: port.store, details });
    }
    if (outcome.kind === 'done') return outcome;
    seen = outcome.tombstone;
    if (round > 0 || port.remainingMs() < RETRY_FLOOR_MS) {
      throw unavailable(`${attempt.why}; the change was found not to be written`, { store: port.store });
    }
  }
}

const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

function guard(transaction: Transaction, seen: number): GuardedTransaction {
  const { compares, operations, requestKey } = transaction;
  if (requestKey === undefined) return { compares, operations };
  const own: Compare =
    seen === 0
      ? { kind: 'create-revision', key: requestKey, equals: 0 }
      : { kind: 'mod-revision', key: requestKey, equals: seen };
  return { compares: [own, ...compares], operations, elseGet: requestKey };
}

/** A failed compare; but if the request key already holds our own record, this very request was done before. */
function settled(
  transaction: Transaction,
  attempt: { readonly revision: number; readonly found: KeyValue | undefined },
): TransactionResult {
  const own = transaction.operations.find(
    (operation) => operation.kind === 'put' && operation.key === transaction.requestKey,
  );
  if (own?.kind === 'put' && attempt.found?.value === own.value) {
    return { kind: 'done', revision: attempt.found.modRevision };
  }
  return { kind: 'conflict', revision: attempt.revision };
}

type Finding =
  | { readonly kind: 'done'; readonly revision: number }
  | { readonly kind: 'absent'; readonly tombstone: number }
  | { readonly kind: 'unknown'; readonly why: string };

async function findOut(requestKey: string, seen: number, port: TransactionPort): Promise<Finding> {
  let why = 'no time was left to find out';
  while (port.remainingMs() > 0 && !isAborted(port.closed)) {
    const attempt = await port.send({
      compares: [{ kind: 'mod-revision', key: requestKey, equals: seen }],
      operations: [{ kind: 'put', key: requestKey, value: TOMBSTONE }],
      elseGet: requestKey,
    });
    if (attempt.kind === 'done') return { kind: 'absent', tombstone: attempt.revision };
    if (attempt.kind === 'conflict') {
      if (attempt.found === undefined) return { kind: 'unknown', why: 'the request record was deleted' };
      if (attempt.found.value === TOMBSTONE) return { kind: 'absent', tombstone: attempt.found.modRevision };
      return { kind: 'done', revision: attempt.found.modRevision };
    }
    why = attempt.why;
    await port.pause();
  }
  return { kind: 'unknown', why };
}
