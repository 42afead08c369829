/** Owns doing something about names when their time has come, one after the other, and again later where that is asked for. */
import { SluiceError } from '../../errors.ts';
import type { Bell } from '../../host/bell.ts';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';

/** What a server leaves to the one that took the change, and the spread between servers after that. */
const OTHERS_FIRST_MS = 300;
const SPREAD_MS = 300;
/** After a failure. */
export const AGAIN_MS = 1_000;
/** Longest sleep of the loop. */
const IDLE_MS = 60_000;

/** Names and when their time comes. */
export interface Due {
  /** This server's to do, at once. */
  readonly now: (name: string) => void;
  /** Another server's to do; this one looks a moment later whether it is done. */
  readonly later: (name: string) => void;
  readonly close: () => Promise<void>;
}

/** What it needs. */
export interface DueOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly bell: Bell;
  /** What is done about them, for the log: 'instances of a service are drawn'. */
  readonly what: string;
  /** @returns after how many milliseconds to do it again; undefined: not @throws SluiceError: it is tried again */
  readonly work: (name: string) => Promise<number | undefined>;
}

/** Starts. */
export function startDue(options: DueOptions): Due {
  const { clock, random, bell } = options;
  const due = new Map<string, number>();
  const schedule = (name: string, inMs: number): void => {
    const atMs = clock.monotonicMs() + inMs;
    if (atMs >= (due.get(name) ?? Infinity)) return;
    due.set(name, atMs);
    bell.ring();
  };
  const closing = new AbortController();
  const running = loop(options, { due, schedule, stop: closing.signal });
  return {
    now: (name) => schedule(name, 0),
    later: (name) => schedule(name, OTHERS_FIRST_MS + random() * SPREAD_MS),
    close: async () => {
      closing.abort();
      await running;
    },
  };
}

interface Loop {
  readonly due: Map<string, number>;
  readonly schedule: (name: string, inMs: number) => void;
  readonly stop: AbortSignal;
}

async function loop(options: DueOptions, { due, schedule, stop }: Loop): Promise<void> {
  const { clock, bell, log, work, what } = options;
  while (!stop.aborted) {
    const nowMs = clock.monotonicMs();
    const ready = [...due].filter(([, atMs]) => atMs <= nowMs).map(([name]) => name);
    for (const name of ready) {
      due.delete(name);
      const again = await work(name).catch((error: unknown) => {
        if (!(error instanceof SluiceError)) throw error;
        log.warn(`not yet: ${what}; trying on`, { name, why: error.why ?? error.message });
        return AGAIN_MS;
      });
      if (again !== undefined) schedule(name, again);
      if (stop.aborted) return;
    }
    const nextMs = Math.min(...due.values(), clock.monotonicMs() + IDLE_MS);
    await bell.wait(Math.max(0, nextMs - clock.monotonicMs()), stop);
  }
}
