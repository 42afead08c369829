/**
 * Owns how fast repairs follow each other. One is done at once, and so is a burst of them; against a program that undoes every repair they
 * come slower, so that a fight costs neither side its machine, and drift that comes back again and again is told as a failure.
 */

/** This many repairs are done without a pause (somebody's script, a firewall that starts), and one more for every refill. */
const BURST = 20;
const REFILL_MS = 500;
/** A refill also takes this many times as long as the last repair: a fight costs at most a quarter of a core. */
const REFILL_TIMES = 4;
/** As many repairs within WINDOW_MS are told as a failure. */
const MANY = 5;
const WINDOW_MS = 60_000;

/** Times in monotonic milliseconds. */
export interface HealPace {
  /** A change of ours was seen. @returns how long to wait before the repair */
  readonly pauseFor: (now: number) => number;
  /** A repair was done at `now`. */
  readonly repaired: (now: number, repair: { readonly by: string; readonly tookMs: number }) => void;
  /** The failure to report now, if any. */
  readonly trouble: (now: number) => string | undefined;
}

/** A pace without a history. */
export function healPace(): HealPace {
  let left = BURST;
  let leftAt = 0;
  let refillMs = REFILL_MS;
  let times: readonly number[] = [];
  let culprit = '';
  const leftNow = (now: number): number => Math.min(BURST, left + (now - leftAt) / refillMs);
  return {
    pauseFor: (now) => Math.max(0, Math.ceil((1 - leftNow(now)) * refillMs)),
    repaired: (now, { by, tookMs }) => {
      left = Math.max(0, leftNow(now) - 1);
      leftAt = now;
      refillMs = Math.max(REFILL_MS, REFILL_TIMES * tookMs);
      times = [...times.filter((time) => now - time < WINDOW_MS), now];
      culprit = by;
    },
    trouble: (now) => {
      const count = times.filter((time) => now - time < WINDOW_MS).length;
      if (count < MANY) return undefined;
      return `the rules of sluice were changed by another program and repaired ${MANY} times or more within a minute, last by ${culprit}`;
    },
  };
}
