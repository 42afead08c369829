/** Owns the writing half: the transaction of a plan, tried again with a plan made anew when others got ahead, and what became of it. */
import { SluiceError } from '../errors.ts';
import { attemptsExhausted } from './conflicts.ts';
import { takesMore } from './consent.ts';
import type { WriteDeps, WriteOptions } from './deps.ts';
import { checkInterrupted, type Intent, prepare, type Prepared } from './prepare.ts';
import type { WriteResult } from './result.ts';
import { lastRevisionOf } from './service-state.ts';
import { instanceShares } from './shares.ts';
import { transactionOf } from './transaction.ts';

/** How often a write is tried against others. */
const MAX_ATTEMPTS = 5;
/** Doubles with every attempt, with a jitter of ± 50 %: ten writers spread over tens of milliseconds, a person notices nothing. */
const BACKOFF_MS = 20;

const backoffMs = (attempt: number, random: number): number =>
  BACKOFF_MS * 2 ** (attempt - 1) * (0.5 + random);

/** A write whose outcome the store could not tell, with the service it was for. */
function withService(error: SluiceError, service: string): SluiceError {
  if (error.code !== 'unknown') return error;
  return new SluiceError(
    'unknown',
    `it is not known whether service ${JSON.stringify(service)} was written`,
    {
      why: error.why,
      fix: `sluice describe ${service} shows the present state and who changed it last`,
      details: { ...error.details, service },
      cause: error,
    },
  );
}

/** Writes a plan. Undefined: a compare failed and nothing was written. */
async function transactPlan(
  deps: WriteDeps,
  { state, plan, holders }: Prepared,
  reason: string | undefined,
): Promise<{ readonly revision: number; readonly requestId: string } | undefined> {
  const requestId = deps.newId();
  const at = deps.clock.now().toISOString();
  const context = { state, holders, requestId, at, origin: deps.origin, reason };
  try {
    const result = await deps.store.transact(transactionOf(plan, context));
    return result.kind === 'conflict' ? undefined : { revision: result.revision, requestId };
  } catch (error) {
    throw error instanceof SluiceError ? withService(error, plan.service) : error;
  }
}

/**
 * Brings one service to its plan. Starts from `first`, which was consented to; after a conflict it reads and plans anew, and asks again if
 * the new plan takes away more.
 * @throws SluiceError `conflict`, `not-confirmed`, `unavailable`, `unknown`, `interrupted`, what the intent throws
 */
export async function write(
  deps: WriteDeps,
  intent: Intent,
  options: WriteOptions & { readonly first: Prepared },
): Promise<WriteResult> {
  let prepared = options.first;
  let consented = prepared.plan;
  for (let attempt = 1; ; attempt += 1) {
    checkInterrupted(options.signal);
    const { plan, state } = prepared;
    const done = {
      service: plan.service,
      shares: instanceShares(plan.after),
      plan,
      outcome: plan.outcome,
    };
    if (plan.outcome === 'unchanged')
      return { ...done, revision: lastRevisionOf(state), requestId: undefined };
    const written = await transactPlan(deps, prepared, options.reason);
    if (written !== undefined) return { ...done, ...written };
    // The first time it looks again at once: an entry that is taken now is told without a wait.
    if (attempt > 1) await deps.clock.sleep(backoffMs(attempt, deps.random()), options.signal);
    checkInterrupted(options.signal);
    prepared = await prepare(deps, intent, { ifRevision: options.ifRevision, signal: options.signal });
    if (attempt >= MAX_ATTEMPTS && prepared.plan.outcome !== 'unchanged') {
      throw await attemptsExhausted(deps, prepared.state, { attempts: attempt, signal: options.signal });
    }
    if (takesMore(prepared.plan, consented)) {
      await options.confirm?.([prepared.plan]);
      consented = prepared.plan;
    }
  }
}
