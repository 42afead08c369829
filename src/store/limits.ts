/** Owns how large a transaction may be, the same for every store, so that what passes in memory passes in etcd. Pure numbers. */
import { SluiceError } from '../errors.ts';
import type { Operation } from './store.ts';

/** etcd's default `--max-txn-ops`. */
const OPERATIONS_PER_LEVEL = 128;

/** Below etcd's `--max-request-bytes` of 1.5 MiB, with room for its own framing. */
export const MAX_TRANSACTION_BYTES = Math.floor(1.4 * 1024 * 1024);

/** What one operation adds on the wire besides its key and value: prefix, tags, lengths, lease. */
const OPERATION_OVERHEAD_BYTES = 48;

/**
 * How many operations each nested transaction holds; 0 = no nesting needed.
 *
 * etcd counts along the depth only: a transaction of k nested ones uses max(compares, k) of its 128, and each nested one
 * may hold what is left. So k × (128 − max(compares, k)) operations are one atomic revision, at most 64 × 64 = 4,096
 * (etcd, server/etcdserver/api/v3rpc/key.go, checkTxnRequest).
 * @throws SluiceError `invalid-spec` if it does not fit
 */
export function nestedSize(compares: number, operations: number): number {
  const limit = OPERATIONS_PER_LEVEL;
  if (compares <= limit && operations <= limit) return 0;
  for (let groups = 2; groups < limit; groups += 1) {
    const each = limit - Math.max(compares, groups);
    if (each > 0 && groups * each >= operations) return each;
  }
  throw tooLarge(`${compares} comparisons and ${operations} operations do not fit one atomic change`, {
    compares,
    operations,
  });
}

/**
 * Refuses a transaction that no store could do.
 * @throws SluiceError `invalid-spec`; nothing was sent
 */
export function checkLimits(transaction: {
  readonly compares: readonly unknown[];
  readonly operations: readonly Operation[];
}): void {
  nestedSize(transaction.compares.length, transaction.operations.length);
  const bytes = transaction.operations.reduce((sum, operation) => sum + sizeOf(operation), 0);
  if (bytes <= MAX_TRANSACTION_BYTES) return;
  throw tooLarge(`it holds ${bytes} bytes, and one atomic change at most ${MAX_TRANSACTION_BYTES}`, {
    bytes,
  });
}

function sizeOf(operation: Operation): number {
  const own = OPERATION_OVERHEAD_BYTES;
  if (operation.kind === 'delete-range')
    return own + operation.range.start.length + operation.range.end.length;
  if (operation.kind === 'delete') return own + operation.key.length;
  return own + operation.key.length + Buffer.byteLength(operation.value);
}

function tooLarge(why: string, details: Readonly<Record<string, unknown>>): SluiceError {
  return new SluiceError('invalid-spec', 'the change is too large for one transaction', {
    why,
    fix: 'split it into several changes',
    details: { written: false, ...details },
  });
}
