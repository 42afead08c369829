/**
 * Owns when a launch may begin: how many at the same time, and, while the processors are busy, one after the other. Programs on their way up take all
 * that they can get for a moment, which those that serve would miss (five nodes on two processors, eight starts at once under load: requests of
 * 200 ms took up to 600).
 */
import type { Clock } from '../host/clock.ts';
import { readSmallFile } from '../host/small-file.ts';
import { createSlots, type Slots } from './slots.ts';

/** What the kernel says of processors (kernel: accounting/psi). */
export interface Pressure {
  /** Part of the last ten seconds in which something waited for a processor, 0 to 1. */
  readonly average: number;
  /** For how long something has waited since the boot, in microseconds. */
  readonly totalUs: number;
}

/** What launches need. */
export interface LaunchOptions {
  /** So many at the same time. */
  readonly count: number;
  readonly clock: Clock;
  /** In [0, 1); default: `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Undefined: the kernel does not tell, and nothing waits. Default: /proc/pressure/cpu. */
  readonly pressure?: (() => Pressure | undefined) | undefined;
}

/** Below this average nothing waits: the next moment can be looked at only by letting it pass. */
const CALM = 0.05;
/** Launches wait while something waited for a processor in more than this part of their last look. */
const BUSY = 0.6;
/** A look; not all alike, so that nodes that share processors do not begin together. */
const LOOK_MS = { least: 40, more: 120 } as const;
/** All launches of a burst wait no longer together: being up late is worse than being slow. */
const MOST_MS = 1_000;
/** A burst is over when nothing was launched for so long. */
const BURST_MS = 5_000;

const SOME = /^some avg10=([\d.]+) .*total=(\d+)$/m;

function readPressure(): Pressure | undefined {
  const [, average, total] = SOME.exec(readSmallFile('/proc/pressure/cpu') ?? '') ?? [];
  return average === undefined ? undefined : { average: Number(average) / 100, totalUs: Number(total) };
}

/** Launches of one driver, in the order of the calls. */
export function createLaunches(options: LaunchOptions): Slots {
  const { count, clock, random = Math.random, pressure = readPressure } = options;
  const slots = createSlots(count);
  let waitedMs = 0;
  let lastMs = -Infinity;

  const untilCalm = async (): Promise<void> => {
    if (clock.monotonicMs() - lastMs > BURST_MS) waitedMs = 0;
    let before = pressure();
    while (before !== undefined && before.average >= CALM && waitedMs < MOST_MS) {
      const fromMs = clock.monotonicMs();
      await clock.sleep(LOOK_MS.least + random() * LOOK_MS.more);
      const tookMs = clock.monotonicMs() - fromMs;
      waitedMs += tookMs;
      const now = pressure();
      if (now === undefined || now.totalUs - before.totalUs < BUSY * tookMs * 1_000) break;
      before = now;
    }
    lastMs = clock.monotonicMs();
  };

  return (action) =>
    slots(async () => {
      await untilCalm();
      return await action();
    });
}
