/** Owns asking one instance again and again while it runs, and the bound on how many are asked at the same time on this node. */
import type { Clock } from '../../host/clock.ts';
import type { Edges, Running } from './edges.ts';
import type { Life } from './life.ts';
import { createPulse } from './pulse.ts';
import { pauseAfter, probeRound, type Round } from './probe-round.ts';

/** So many asks at the same time; programs (exec probes) cost a process each. */
const ASKS = { sockets: 64, programs: 4 } as const;

/** Lets so many run at the same time; others wait in line. */
function bounded(slots: number): <T>(act: () => Promise<T>) => Promise<T> {
  let free = slots;
  const line: (() => void)[] = [];
  return async (act) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => line.push(resolve));
    try {
      return await act();
    } finally {
      const next = line.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

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
  ask: Edges['ask'],
  { clock: source, random }: { readonly clock: Clock; readonly random: () => number },
): Prober {
  const clock = createPulse(source);
  const sockets = bounded(ASKS.sockets);
  const programs = bounded(ASKS.programs);
  return async ({ running, life, onRound, signal }) => {
    const timing = running.assignment.template.probe;
    const slot = timing.kind === 'exec' ? programs : sockets;
    let waitingSince: number | undefined;
    while (!signal.aborted) {
      const started = clock.monotonicMs();
      const isReady = life().phase.kind === 'ready';
      waitingSince = isReady ? undefined : (waitingSince ?? started);
      const round = await probeRound({
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
      const leftMs = pauseMs - (now - started);
      if (leftMs > 0) await clock.sleep(leftMs, signal);
    }
  };
}
