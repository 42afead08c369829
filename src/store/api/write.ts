/** Owns writing through API servers: one transaction, sent once; what became of it is found out as with etcd (resolve.ts). */
import { checkLimits } from '../limits.ts';
import { refuseOverlap } from '../overlap.ts';
import { type Attempt, type GuardedTransaction, transactResolved } from '../resolve.ts';
import type { CallOptions, Transaction, TransactionResult } from '../store.ts';
import { type Budget, sendOnce, startBudget } from '../budget.ts';
import { type Answer, type ApiParts, type ApiServer, callAt, errorOf, type Failure } from './calls.ts';
import { type Read, STORE_PATH, transactAnswer } from './wire.ts';

/**
 * Does a transaction.
 * @throws SluiceError as `Store.transact`
 */
export async function transact(
  transaction: Transaction,
  parts: ApiParts,
  options?: CallOptions,
): Promise<TransactionResult> {
  refuseOverlap(transaction.operations);
  // Without the caller's signal: what was sent is found out about, whoever has given up.
  const budget = startBudget(parts, { timeoutMs: options?.timeoutMs });
  return transactResolved(transaction, {
    store: parts.description,
    send: async (guarded) => {
      checkLimits(guarded);
      return send(guarded, { parts, budget, signal: options?.signal });
    },
    remainingMs: budget.remainingMs,
    pause: budget.pause,
    signal: options?.signal,
    closed: parts.closed,
  });
}

/** A write is not sent a second time, so it gets most of the time; the rest is for finding out what became of it. */
const SHARE_OF_BUDGET = 0.75;

interface Sender {
  readonly parts: ApiParts;
  readonly budget: Budget;
  readonly signal: AbortSignal | undefined;
}

async function send(body: GuardedTransaction, { parts, budget, signal }: Sender): Promise<Attempt> {
  const from = { parts, pick: parts.pick };
  const result = await sendOnce<ApiServer, Read<typeof transactAnswer>, Failure>(from, budget, {
    attempt: (server) => budget.leave(sendAt(server, body, budget.remainingMs() * SHARE_OF_BUDGET)),
    signal,
  });
  if ('answer' in result) return attemptOf(result.answer);
  if (result.kind === 'retry') return { kind: 'ambiguous', why: result.text };
  if (result.kind === 'refused') throw errorOf(result, parts.description);
  return { kind: 'not-sent', why: result.text };
}

function attemptOf(answer: Read<typeof transactAnswer>): Attempt {
  if (answer.kind === 'done') return answer;
  return { kind: 'conflict', revision: answer.revision, found: answer.found };
}

async function sendAt(
  server: ApiServer,
  body: GuardedTransaction,
  timeoutMs: number,
): Promise<Answer<Read<typeof transactAnswer>>> {
  const failure = await server.connection.prove(timeoutMs);
  if (failure !== undefined) return failure;
  return callAt(server, { path: `${STORE_PATH}/transact`, body, timeoutMs }, transactAnswer);
}
