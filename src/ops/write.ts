/** Owns the writing half: transactions of a plan, tried again with a plan made anew when others got ahead, and what became of it. */
import { SluiceError } from '../errors.ts';
import { attemptsExhausted } from './conflicts.ts';
import { takesMore } from './consent.ts';
import type { WriteDeps, WriteOptions } from './deps.ts';
import { checkInterrupted, type Intent, prepare, type Prepared } from './prepare.ts';
import type { WriteResult } from './result.ts';
import { lastRevisionOf } from './service-state.ts';
import { instanceShares } from './shares.ts';
import { stepsOf, transactionOf } from './transaction.ts';

/** How often a write is tried against others. */
export const MAX_ATTEMPTS = 5;
/** First backoff; doubles, with a jitter of ± 50 %. Ten writers spread over tens of milliseconds, a human notices nothing. */
const BACKOFF_MS = 20;

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

function partlyWritten(service: string, done: number, of: number): SluiceError {
  return new SluiceError(
    'failed',
    `service ${JSON.stringify(service)} is written in part: step ${done} of ${of}`,
    {
      why: 'somebody else changed it between two steps of a change too large for one transaction',
      fix: 'run the same command again: it goes on from what is there',
      details: { service, done, of },
    },
  );
}

/** Writes all steps of a plan. Undefined: a compare of the first step failed and nothing was written. */
async function transactSteps(
  deps: WriteDeps,
  { state, plan, holders }: Prepared,
  options: WriteOptions,
): Promise<{ readonly revision: number; readonly requestId: string } | undefined> {
  const steps = stepsOf(plan);
  let written: { readonly revision: number; readonly requestId: string } | undefined;
  for (const [index, step] of steps.entries()) {
    const requestId = deps.newId();
    const at = deps.clock.now().toISOString();
    const now =
      written === undefined ? state : { ...state, revision: written.revision, modRevision: written.revision };
    const context = { state: now, holders, requestId, at, origin: deps.origin, reason: options.reason };
    const result = await deps.store.transact(transactionOf(step, context));
    if (result.kind === 'conflict') {
      if (written === undefined) return undefined;
      throw partlyWritten(plan.service, index, steps.length);
    }
    written = { revision: result.revision, requestId };
  }
  return written;
}

/**
 * Brings one service to its plan. Starts from `first`, which was consented to; after a conflict it reads and plans anew, and asks again if
 * the new plan takes away more.
 * @throws SluiceError `conflict`, `not-confirmed`, `unavailable`, `unknown`, `interrupted`, `failed` (written in part), what the intent throws
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
    const written = await transactSteps(deps, prepared, options).catch((error: unknown) => {
      throw error instanceof SluiceError ? withService(error, plan.service) : error;
    });
    if (written !== undefined) return { ...done, ...written };
    if (attempt < MAX_ATTEMPTS) {
      await deps.clock.sleep(BACKOFF_MS * 2 ** (attempt - 1) * (0.5 + deps.random()), options.signal);
    }
    checkInterrupted(options.signal);
    prepared = await prepare(deps, intent, { ifRevision: options.ifRevision, signal: options.signal });
    if (attempt >= MAX_ATTEMPTS) {
      throw await attemptsExhausted(deps, prepared.state, { attempts: attempt, signal: options.signal });
    }
    if (takesMore(prepared.plan, consented)) {
      await options.confirm?.([prepared.plan]);
      consented = prepared.plan;
    }
  }
}
