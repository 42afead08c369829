/**
 * Owns when the kernel is changed: the first change at once, then at most one apply per 20 ms, always with everything that is
 * known by then, so that a storm of changes is applied as few steps and none waits behind another. One apply at a time.
 */
import { SluiceError } from '../errors.ts';
import type { ApplyReport, Dataplane, LocalFacts } from '../dataplane/dataplane.ts';
import type { Clock } from '../host/clock.ts';
import type { Ruleset } from '../rules/ruleset.ts';

/** Shortest time between the starts of two applies. */
const APPLY_INTERVAL_MS = 20;
const RETRY_FIRST_MS = 100;
const RETRY_LAST_MS = 5_000;

/** A desired state to bring into the kernel. */
export interface ApplyJob {
  readonly revision: number;
  /** Made when the apply starts, so that superseded jobs cost nothing. */
  readonly ruleset: () => Ruleset;
  readonly facts: LocalFacts;
  /** What of the desired state could not be understood, one line each; reported with what could not be applied. */
  readonly failures: readonly string[];
}

/** What one apply of the loop did. */
export interface LoopReport extends ApplyReport {
  /** The kernel was read anew, and it differed from the job. */
  readonly reread: boolean;
  /** The same, and the job had been applied before: somebody else changed the kernel. */
  readonly repaired: boolean;
}

/** What the loop tells its owner. Handlers must not throw. */
export interface ApplyHandlers {
  readonly onApplied: (job: ApplyJob, ruleset: Ruleset, report: LoopReport) => void;
  readonly onFailed: (job: ApplyJob, error: SluiceError) => void;
}

/** A running apply loop. */
export interface ApplyLoop {
  /** Replaces whatever waits; applied as soon as the interval allows. */
  readonly submit: (job: ApplyJob) => void;
  /** Reads the kernel back before the next apply, and applies the last job again; resolves when that is done. */
  readonly resync: () => Promise<void>;
  /** Resolves when the apply that runs now, if any, is done. */
  readonly settled: () => Promise<void>;
  /** Resolves when nothing waits and nothing runs. */
  readonly idle: () => Promise<void>;
  /** Lets a running apply finish; starts none. */
  readonly close: () => Promise<void>;
}

interface State {
  waiting: ApplyJob | undefined;
  last: ApplyJob | undefined;
  applied: { readonly job: ApplyJob; readonly rulesHash: string } | undefined;
  mustAdopt: boolean;
  running: Promise<void> | undefined;
  applying: Promise<unknown> | undefined;
  /** Who waits for a resync. */
  waiters: readonly (() => void)[];
}

function asSluiceError(error: unknown): SluiceError {
  if (error instanceof SluiceError) return error;
  return new SluiceError('internal', 'applying the rules failed unexpectedly', {
    why: String(error),
    cause: error,
  });
}

/** Starts the loop over a dataplane that has been adopted. */
export function startApplyLoop(dataplane: Dataplane, handlers: ApplyHandlers, clock: Clock): ApplyLoop {
  const state: State = {
    waiting: undefined,
    last: undefined,
    applied: undefined,
    mustAdopt: false,
    running: undefined,
    applying: undefined,
    waiters: [],
  };
  const takeWaiters = (): State['waiters'] => {
    const { waiters } = state;
    state.waiters = [];
    return waiters;
  };
  const closing = new AbortController();

  /** Part of the job could not be applied (a route, the other family): what stood in the way may go. */
  const tryAgainLater = async (job: ApplyJob): Promise<void> => {
    await clock.sleep(RETRY_LAST_MS, closing.signal);
    if (state.last !== job || state.waiting !== undefined) return;
    state.waiting = job;
    wake();
  };

  const applyOnce = async (job: ApplyJob): Promise<boolean> => {
    const isReread = state.mustAdopt;
    state.mustAdopt = false;
    const waiters = takeWaiters();
    try {
      if (isReread) await dataplane.adopt();
      const ruleset = job.ruleset();
      const report = await dataplane.apply(ruleset, job.facts);
      const reread = isReread && !report.unchanged;
      // What a job asks for may have changed since: then what differs need not be anybody's doing.
      const { rulesHash } = report;
      const isAsBefore = job === state.applied?.job && rulesHash === state.applied.rulesHash;
      handlers.onApplied(job, ruleset, { ...report, reread, repaired: reread && isAsBefore });
      state.applied = { job, rulesHash };
      for (const resynced of waiters) resynced();
      if (report.failures.length > 0) void tryAgainLater(job);
      return true;
    } catch (error) {
      state.mustAdopt = true;
      state.waiters = [...waiters, ...state.waiters];
      state.waiting ??= job;
      handlers.onFailed(job, asSluiceError(error));
      return false;
    }
  };

  const run = async (): Promise<void> => {
    let retryMs = RETRY_FIRST_MS;
    while (state.waiting !== undefined && !closing.signal.aborted) {
      const started = clock.monotonicMs();
      const job = state.waiting;
      state.waiting = undefined;
      state.last = job;
      const applying = applyOnce(job);
      state.applying = applying;
      const applied = await applying;
      const pauseMs = applied ? APPLY_INTERVAL_MS - (clock.monotonicMs() - started) : retryMs;
      retryMs = applied ? RETRY_FIRST_MS : Math.min(retryMs * 2, RETRY_LAST_MS);
      if (pauseMs > 0) await clock.sleep(pauseMs, closing.signal);
    }
  };

  const wake = (): void => {
    if (state.running !== undefined || closing.signal.aborted) return;
    state.running = run().finally(() => {
      state.running = undefined;
      if (state.waiting !== undefined) wake();
    });
  };

  return {
    submit: (job) => {
      state.waiting = job;
      wake();
    },
    resync: () =>
      new Promise((resolve) => {
        state.mustAdopt = true;
        state.waiting ??= state.last;
        if (state.waiting === undefined || closing.signal.aborted) return resolve();
        state.waiters = [...state.waiters, resolve];
        wake();
      }),
    settled: async () => {
      await state.applying;
    },
    idle: async () => {
      while (state.running !== undefined) await state.running;
    },
    close: async () => {
      closing.abort();
      await state.running;
      for (const resynced of takeWaiters()) resynced();
    },
  };
}
