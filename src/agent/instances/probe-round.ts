/**
 * Owns one round of asking an instance whether it is well, and the pause to the next. One that is late is asked again beside, as often as
 * failures count, so that one that hangs is known after one timeout and not after several; a bad answer is asked about again soon.
 */
import type { ProbeTiming } from '../../model/template.ts';
import type { Answer } from './edges.ts';
import type { Pulse } from './pulse.ts';

/** An answer that takes longer than this part of its timeout is late. */
const LATE_PART = 0.25;
/** Every ask of a round that is late has at least this part of the timeout. */
const LEAST_PART = 0.5;
/** Pause before the next ask after a bad answer, and while an instance is getting ready. */
const SOON_MS = 200;
/** Why asks that are left are broken off; without a reason each abort makes an error with a stack, which costs as much as the ask. */
const OVER = 'the round is over';

/** What a round found. */
export interface Round extends Answer {
  /** So many asks in a row had this answer. */
  readonly times: number;
}

/** How to ask. */
export interface RoundOptions {
  readonly timing: Pick<ProbeTiming, 'timeoutSeconds' | 'failures'>;
  readonly ask: (bounds: { readonly timeoutMs: number; readonly signal: AbortSignal }) => Promise<Answer>;
  readonly clock: Pick<Pulse, 'monotonicMs' | 'sleep' | 'after'>;
  readonly signal: AbortSignal;
  /** Ask beside one that is late: for instances that traffic goes to. */
  readonly hurry: boolean;
}

type Ask = (timeoutMs: number, signal: AbortSignal) => Promise<Answer>;

/** Runs one round; bounded by the timeout. One that is answered in time, as nearly all are, makes nothing that must be aborted afterwards. */
export async function probeRound(options: RoundOptions): Promise<Round> {
  const { timing, signal, hurry, clock } = options;
  const ask: Ask = (timeoutMs, bySignal) => options.ask({ timeoutMs, signal: bySignal });
  const timeoutMs = timing.timeoutSeconds * 1_000;
  const begun = clock.monotonicMs();
  const first = ask(timeoutMs, signal);
  if (!hurry || timing.failures === 1) return { ...(await first), times: 1 };
  const early = await within(first, timeoutMs * LATE_PART, clock);
  if (early !== undefined) return { ...early, times: 1 };
  const done = new AbortController();
  // By hand: AbortSignal.any would keep something for every round on a signal that lives for days.
  const abort = (): void => done.abort(OVER);
  signal.addEventListener('abort', abort);
  if (signal.aborted) abort();
  try {
    return await askBeside({ first, begun }, ask, { ...options, signal: done.signal });
  } finally {
    signal.removeEventListener('abort', abort);
    abort();
  }
}

/** The answer, or undefined if it is not there so soon. What is cancelled by hand costs a fraction of a race with a signal. */
function within(
  asked: Promise<Answer>,
  ms: number,
  { after }: Pick<Pulse, 'after'>,
): Promise<Answer | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = after(ms, () => resolve(undefined));
    asked.finally(cancel).then(resolve, reject);
  });
}

/** A bad answer as an error, so that the first good one can be waited for. */
async function goodOnly(asked: Promise<Answer>): Promise<void> {
  const { well, why } = await asked;
  if (!well) throw new Error(why);
}

/** Resolves with true at the first good answer, with false when all are bad. */
async function anyGood(asks: readonly Promise<Answer>[]): Promise<boolean> {
  return await Promise.any(asks.map(goodOnly)).then(
    () => true,
    () => false,
  );
}

/** The first ask is late: others are made, each ending with it. The first good answer counts; else all are bad. */
async function askBeside(
  { first, begun }: { readonly first: Promise<Answer>; readonly begun: number },
  ask: Ask,
  { timing, clock, signal }: RoundOptions,
): Promise<Round> {
  const timeoutMs = timing.timeoutSeconds * 1_000;
  const gapMs = (timeoutMs * (1 - LATE_PART - LEAST_PART)) / Math.max(1, timing.failures - 2);
  const asks = [first];
  for (let beside = 0; beside < timing.failures - 1 && !signal.aborted; beside += 1) {
    if (beside > 0 && (await Promise.race([anyGood(asks), clock.sleep(gapMs, signal)])) === true) break;
    asks.push(ask(timeoutMs - (clock.monotonicMs() - begun), signal));
  }
  if (await anyGood(asks)) return { well: true, times: 1 };
  const { why } = await first;
  return { well: false, times: asks.length, why };
}

/** Where the instance is that is asked. */
export interface PauseOptions {
  readonly timing: Pick<ProbeTiming, 'intervalSeconds'>;
  /** Not in the rules: an answer is waited for. */
  readonly impatient: boolean;
  /** How long it has not been ready: the longer, the less often it is asked. */
  readonly waitedMs: number;
  readonly last: Answer;
  /** Part of the interval to leave out, in [0, 1): at random before the first round of one that is ready, so that not all share one moment. */
  readonly shorten: number;
}

/** Milliseconds from the start of one round to the next. */
export function pauseAfter({ timing, impatient, waitedMs, last, shorten }: PauseOptions): number {
  const intervalMs = timing.intervalSeconds * 1_000;
  const usual = intervalMs * (1 - shorten);
  if (impatient) return Math.min(usual, SOON_MS + waitedMs / 10);
  return last.well ? usual : Math.min(usual, SOON_MS);
}
