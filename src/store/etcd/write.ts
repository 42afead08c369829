/** Owns writing to etcd: one transaction, sent once; nested where it has more operations than etcd takes in one level. */
import type { IRequestOp, ITxnRequest, ITxnResponse } from 'etcd3';
import { checkLimits, nestedSize } from '../limits.ts';
import { type Attempt, type GuardedTransaction, transactResolved } from '../resolve.ts';
import type { CallOptions, Transaction, TransactionResult } from '../store.ts';
import { refuseOverlap } from '../overlap.ts';
import { type Budget, sendOnce, startBudget } from '../budget.ts';
import { type EtcdParts, tryAt } from './calls.ts';
import type { Codec } from './codec.ts';
import type { Endpoint } from './endpoints.ts';
import { type Failure, toSluiceError } from './grpc-error.ts';

/**
 * Does a transaction.
 * @throws SluiceError as `Store.transact`; `invalid-spec` if it is too large, `internal` if it changes a key twice
 */
export async function transact(
  transaction: Transaction,
  writer: { readonly parts: EtcdParts; readonly codec: Codec },
  options?: CallOptions,
): Promise<TransactionResult> {
  const { parts, codec } = writer;
  refuseOverlap(transaction.operations);
  // Without the caller's signal: what was sent is found out about, whoever has given up.
  const budget = startBudget(parts, { timeoutMs: options?.timeoutMs });
  const signal = options?.signal;
  return transactResolved(transaction, {
    store: parts.description,
    send: async (guarded) => {
      checkLimits(guarded);
      return send(encode(guarded, codec), { parts, codec, budget, signal });
    },
    remainingMs: budget.remainingMs,
    pause: budget.pause,
    signal,
    closed: parts.closed,
  });
}

/** The message of a transaction; all of it becomes one revision. */
function encode(transaction: GuardedTransaction, codec: Codec): ITxnRequest {
  const { compares, operations, elseGet } = transaction;
  const each = nestedSize(compares.length, operations.length);
  const success = operations.map(codec.operation);
  return {
    compare: compares.map(codec.compare),
    success: each === 0 ? success : nest(success, each),
    failure: elseGet === undefined ? [] : [{ request_range: { key: codec.key(elseGet) } }],
  };
}

function nest(operations: readonly IRequestOp[], each: number): IRequestOp[] {
  const groups = Math.ceil(operations.length / each);
  return Array.from({ length: groups }, (_, group) => ({
    request_txn: {
      compare: [],
      success: operations.slice(group * each, (group + 1) * each),
      failure: [],
    },
  }));
}

interface Sender {
  readonly parts: EtcdParts;
  readonly codec: Codec;
  readonly budget: Budget;
  readonly signal: AbortSignal | undefined;
}

/** Sends once; asks another server only while it is certain that the one before got nothing. */
async function send(request: ITxnRequest, sender: Sender): Promise<Attempt> {
  const { parts, codec, budget, signal } = sender;
  const from = { parts, pick: parts.endpoints.pick };
  const result = await sendOnce<Endpoint, ITxnResponse, Failure>(from, budget, {
    attempt: (endpoint) =>
      tryAt(endpoint, budget, (client, deadline) => client.kv.txn(request, { deadline })),
    signal,
  });
  if ('answer' in result) return attemptOf(result.answer, codec);
  if (result.kind === 'retry') return { kind: 'ambiguous', why: result.text };
  if (result.kind === 'not-sent' || result.kind === 'busy') return { kind: 'not-sent', why: result.text };
  throw toSluiceError(result, parts.description);
}

function attemptOf(answer: ITxnResponse, codec: Codec): Attempt {
  const revision = Number(answer.header.revision);
  if (answer.succeeded) return { kind: 'done', revision };
  const kv = answer.responses[0]?.response_range.kvs[0];
  return { kind: 'conflict', revision, found: kv === undefined ? undefined : codec.item(kv) };
}
