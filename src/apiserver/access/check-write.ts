/**
 * Owns whether a transaction may be written: every value read by its schema, every key allowed to the caller, a record of it in audit/. What
 * comes out is what is sent. Must not know HTTP.
 */
import { SluiceError } from '../../errors.ts';
import type { Caller } from '../../model/access.ts';
import { quoteValue } from '../../model/text.ts';
import { ACCESS } from '../../store/keys.ts';
import { refuseOverlap } from '../../store/overlap.ts';
import { type GuardedTransaction, TOMBSTONE } from '../../store/resolve.ts';
import type { KeyRange, Operation } from '../../store/store.ts';
import { stampAudit } from './audit-stamp.ts';
import { before, type Present } from './before.ts';
import { type KeyParts, keyParts, readValue } from './families.ts';
import { checkRead, notAllowed, onlyKey } from './may-read.ts';
import { checkOwn } from './own-keys.ts';

/** What the check looks at. */
export interface WriteContext {
  readonly caller: Caller;
  readonly present: Present;
  /** Keys that hang on a lease now. */
  readonly keysOfLease: (lease: string) => readonly string[];
}

/** Families of which every change is recorded in audit/. */
const RECORDED = ['service', 'entry', 'entry-range', 'access'];

/** Passes what may be written. @throws SluiceError `invalid-spec`, `permission`; Outdated (before.ts) */
export type CheckWrite = (
  transaction: GuardedTransaction,
  context: WriteContext,
) => Promise<GuardedTransaction>;

/** The check of a real server. */
export const checkWrite: CheckWrite = async (transaction, context) => {
  refuseTwice(transaction.operations);
  const { caller } = context;
  for (const compare of transaction.compares) {
    checkRead(caller, compare.kind === 'range-unchanged' ? compare.range : onlyKey(compare.key));
  }
  if (transaction.elseGet !== undefined) checkRead(caller, onlyKey(transaction.elseGet));
  const operations: Operation[] = [];
  for (const operation of transaction.operations) {
    operations.push(await checkOperation(operation, transaction, context));
  }
  checkRecorded(transaction.operations);
  return { ...transaction, operations };
};

/** The same rule as the store's, as an error of the request. */
function refuseTwice(operations: readonly Operation[]): void {
  try {
    refuseOverlap(operations);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    throw new SluiceError('invalid-spec', error.message, {
      why: 'one transaction changes a key once',
      fix: 'correct the request',
      details: { written: false, field: 'operations', ...error.details },
      cause: error,
    });
  }
}

async function checkOperation(
  operation: Operation,
  transaction: GuardedTransaction,
  context: WriteContext,
): Promise<Operation> {
  const { caller } = context;
  if (operation.kind === 'delete-range') {
    checkDeleteRange(caller, operation.range);
    return operation;
  }
  const key = keyParts(operation.key);
  const after = operation.kind === 'put' ? readValue(key, operation.value) : undefined;
  if (operation.kind === 'put' && operation.lease !== undefined) checkLease(context, operation.lease);
  if (key.family === 'audit') return checkAudit(operation, transaction, { ...context, key });
  if (key.family === 'access' && caller.role !== 'admin')
    throw notAllowed(caller, `write ${key.key}`, 'it is a token');
  if (caller.role !== 'admin' && caller.role !== 'operator') {
    await checkOwn({ caller, key, after, transaction, present: context.present });
  }
  return operation;
}

/** Only within one family, and never of what shall last. */
function checkDeleteRange(caller: Caller, range: KeyRange): void {
  const what = `delete ${quoteValue(range.start)} to ${quoteValue(range.end)}`;
  if (caller.role !== 'admin' && caller.role !== 'operator')
    throw notAllowed(caller, what, 'this role writes single keys');
  const { family } = keyParts(range.start);
  const isInside =
    range.start.startsWith(`${family}/`) && range.end <= `${family}0` && range.end > range.start;
  if (!isInside || family === 'audit' || family === ACCESS.start.slice(0, -1)) {
    throw notAllowed(
      caller,
      what,
      'a range of one family can be deleted, but neither of audit/ nor of access/',
    );
  }
}

/** An audit record is written once, and a tombstone of a lost request may be replaced by the request. */
async function checkAudit(
  operation: Exclude<Operation, { kind: 'delete-range' }>,
  transaction: GuardedTransaction,
  { caller, present, key }: WriteContext & { readonly key: KeyParts },
): Promise<Operation> {
  if (caller.role === 'viewer' || caller.role === 'node')
    throw notAllowed(caller, `write ${key.key}`, 'what this role writes has no audit record');
  if (operation.kind === 'delete') throw notAllowed(caller, `delete ${key.key}`, 'audit records stay');
  const found = await before(transaction, key.key, present);
  if (found !== undefined && found.value !== TOMBSTONE)
    throw notAllowed(caller, `change ${key.key}`, 'audit records stay as they are');
  return { ...operation, value: stampAudit(caller, key.tail, operation.value) };
}

/**
 * A lease belongs to whoever may write all that hangs on it.
 * @throws SluiceError `permission`
 */
export function checkLease({ caller, keysOfLease }: Omit<WriteContext, 'present'>, lease: string): void {
  if (caller.role === 'admin' || caller.role === 'operator') return;
  if (caller.role === 'viewer') throw notAllowed(caller, 'use leases', 'this role only reads');
  const foreign = keysOfLease(lease).find((key) => !mayHang(caller, key));
  if (foreign !== undefined)
    throw notAllowed(caller, `use lease ${lease}`, `${foreign} hangs on it, which is not its own`);
}

/** Keys with a lease are markers; a node's name them by its name, or are a claim under the lease of its marker. */
function mayHang({ role, name }: Caller, key: string): boolean {
  const [family, ...tail] = key.split('/');
  if (role === 'registry') return family === 'alive';
  return family === 'holder' || tail.join('/') === name;
}

function checkRecorded(operations: readonly Operation[]): void {
  const families = operations.map(
    (operation) =>
      (operation.kind === 'delete-range' ? operation.range.start : operation.key).split('/', 1)[0] ?? '',
  );
  const changed = families.find((family) => RECORDED.includes(family));
  if (changed === undefined || families.includes('audit')) return;
  throw new SluiceError('invalid-spec', `a change of ${changed}/ carries no audit record`, {
    why: 'it must put one under audit/ in the same transaction',
    fix: 'write through sluice, or add the record',
    details: { written: false, field: 'operations' },
  });
}
