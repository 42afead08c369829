/** Owns asking one instance again and again while it runs, and the bound on how many are asked at the same time on this node. */
import type { Clock } from '../../host/clock.ts';
import { createSlots } from '../../runtime/slots.ts';
import type { Edges, Running } from './edges.ts';
import type { Life } from './life.ts';
import { pauseAfter, probeRound, type Round } from './probe-round.ts';
import { createPulse, SLOT_MS } from './pulse.ts';

/** So many asks at the same time; programs (exec probes) cost a process each. */
const ASKS = { sockets: 64, programs: 4 } as const;

/** Shorter pauses are for instances that are waited for: they end as soon as they are over. */
const LONG_MS = 700;
/** So long one that looks well is not asked: what a firewall does to its connections is seen by asking only. */
const UNASKED_MS = 10_000;
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

/** When the next round is due: a long pause is cut to the slot that it ends in, so that rounds which began on one slot stay together. */
export function nextRoundAt(begunMs: number, pauseMs: number): number {
  const end = begunMs + pauseMs;
  return pauseMs < LONG_MS ? end : end - (end % SLOT_MS);
}

/** Probing of all instances of the node. */
export function createProber(
  { ask, looksWell, isHalted }: Pick<Edges, 'ask' | 'looksWell' | 'isHalted'>,
  { clock: source, random }: { readonly clock: Clock; readonly random: () => number },
): Prober {
  const clock = createPulse(source);
  const sockets = createSlots(ASKS.sockets);
  const programs = createSlots(ASKS.programs);
  return async ({ running, life, onRound, signal }) => {
    const timing = running.assignment.template.probe;
    const slot = timing.kind === 'exec' ? programs : sockets;
    let waitingSince: number | undefined;
    let isSpread = false;
    while (!signal.aborted) {
      const started = clock.monotonicMs();
      const isReady = life().phase.kind === 'ready';
      waitingSince = isReady ? undefined : (waitingSince ?? started);
      const round: Round = isHalted(running)
        ? { well: false, times: timing.failures, why: HALTED }
        : await probeRound({
            timing,
            ask: (bounds) => slot(() => ask(running, bounds)),
            clock,
            signal,
            hurry: isReady,
          });
      if (signal.aborted) return;
      onRound(round);
      const isReadyNow = life().phase.kind === 'ready';
      const pauseMs = pauseAfter({
        timing,
        impatient: !isReadyNow,
        waitedMs: clock.monotonicMs() - (waitingSince ?? started),
        last: round,
        shorten: isReadyNow && !isSpread ? random() : 0,
      });
      isSpread = isReadyNow;
      const due = nextRoundAt(started, pauseMs);
      // One that looks well need not be asked yet.
      const mayWait = isReadyNow && round.well && pauseMs >= LONG_MS;
      const isOver = (): boolean =>
        isHalted(running) || (mayWait && clock.monotonicMs() >= due && !looksWell(running, pauseMs / 2));
      const atMs = mayWait ? nextRoundAt(started, Math.max(pauseMs, UNASKED_MS)) : due;
      await clock.pause({ atMs, isOver }, signal);
    }
  };
}
