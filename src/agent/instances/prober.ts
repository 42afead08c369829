/** Owns asking one instance again and again while it runs, and the bound on how many are asked at the same time on this node. */
import type { Clock } from '../../host/clock.ts';
import { createSlots } from '../../runtime/slots.ts';
import type { Edges, Running } from './edges.ts';
import type { Life } from './life.ts';
import { createPulse } from './pulse.ts';
import { pauseAfter, probeRound, type Round } from './probe-round.ts';

/** So many asks at the same time; programs (exec probes) cost a process each. */
const ASKS = { sockets: 64, programs: 4 } as const;

/** Rounds begin on slots, many together: an ask costs a third of what it costs on its own. In between programs are looked at once a slot. */
const SLOT_MS = 500;
/** Shorter pauses are for instances that are waited for: they end as soon as they are over. */
const LONG_MS = 700;
const HALTED = 'its program is stopped by a signal';

/** What probing an instance needs. */
export interface ProbeOptions {
  readonly running: Running;
  /** The life as it is at any moment: where it is decides how often it is asked. */
  readonly life: () => Life;
  readonly onRound: (round: Round) => void;
  readonly signal: AbortSignal;
}

/** Asks one instance until the signal aborts. */
export type Prober = (options: ProbeOptions) => Promise<void>;

/** Probing of all instances of the node. */
export function createProber(
  { ask, isHalted }: Pick<Edges, 'ask' | 'isHalted'>,
  { clock: source, random }: { readonly clock: Clock; readonly random: () => number },
): Prober {
  const clock = createPulse(source);
  const sockets = createSlots(ASKS.sockets);
  const programs = createSlots(ASKS.programs);
  /** Up to the next round; ends early if the program is stopped meanwhile. A long pause is cut to the slot that it ends in. */
  const pause = async (ms: number, running: Running, signal: AbortSignal): Promise<void> => {
    const end = clock.monotonicMs() + ms;
    const until = ms < LONG_MS ? end : end - (end % SLOT_MS);
    for (let at = end - ms; at < until && !signal.aborted; at = clock.monotonicMs()) {
      await clock.sleep(Math.min(until - at, SLOT_MS - (at % SLOT_MS)), signal);
      if (isHalted(running)) break;
    }
  };
  return async ({ running, life, onRound, signal }) => {
    const timing = running.assignment.template.probe;
    const slot = timing.kind === 'exec' ? programs : sockets;
    let waitingSince: number | undefined;
    while (!signal.aborted) {
      const started = clock.monotonicMs();
      const isReady = life().phase.kind === 'ready';
      waitingSince = isReady ? undefined : (waitingSince ?? started);
      const round: Round = isHalted(running)
        ? { well: false, times: timing.failures, why: HALTED }
        : await probeRound({
            timing,
            ask: async (bounds) => await slot(async () => await ask(running, bounds)),
            clock,
            signal,
            hurry: isReady,
          });
      if (signal.aborted) return;
      onRound(round);
      const now = clock.monotonicMs();
      const pauseMs = pauseAfter({
        timing,
        impatient: life().phase.kind !== 'ready',
        waitedMs: now - (waitingSince ?? now),
        last: round,
        random: random(),
      });
      await pause(pauseMs - (now - started), running, signal);
    }
  };
}
