/**
 * Owns how fast repairs follow each other. One is done at once; against a program that undoes every repair the pauses grow, and drift that
 * comes back again and again is told as a failure.
 */

/** This many repairs in a row, each undone within QUICK_MS, are a fight. */
const FIGHT = 5;
const QUICK_MS = 500;
const FIRST_PAUSE_MS = 100;
const LAST_PAUSE_MS = 30_000;
/** As many repairs within WINDOW_MS are told as a failure. */
const MANY = 5;
const WINDOW_MS = 60_000;

/** Times in monotonic milliseconds. */
export interface HealPace {
  /** A change of ours was seen. @returns how long to wait before the repair */
  readonly pauseFor: (now: number) => number;
  /** A repair was done. */
  readonly repaired: (now: number, by: string) => void;
  /** The failure to report now, if any. */
  readonly trouble: (now: number) => string | undefined;
}

/** A pace without a history. */
export function healPace(): HealPace {
  let streak = 0;
  let times: readonly number[] = [];
  let culprit = '';
  return {
    pauseFor: (now) => {
      const last = times.at(-1);
      streak = last !== undefined && now - last < QUICK_MS ? streak + 1 : 0;
      return streak < FIGHT ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (streak - FIGHT), LAST_PAUSE_MS);
    },
    repaired: (now, by) => {
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
