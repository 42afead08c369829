/** Owns how long the agent of a machine that answers again is waited for: what it ran is not up before, but it may have no agent any more. */
import type { Clock } from '../../host/clock.ts';

/** A machine that answers again gets connections after so long though its agent does not come. */
const AGENT_MS = 60_000;

/** Machines that answer again without their agents. */
export interface Returning {
  /** Says which do now. */
  readonly are: (nodes: readonly string[]) => void;
  /** Those whose agents nobody waits for any more. */
  readonly unawaited: ReadonlySet<string>;
  readonly close: () => void;
}

/** Nobody returns yet. @param onDue called when the agent of one is waited for no more */
export function createReturning(clock: Clock, onDue: () => void): Returning {
  const waiting = new Map<string, AbortController>();
  const unawaited = new Set<string>();
  const waitFor = async (name: string): Promise<void> => {
    const stop = new AbortController();
    waiting.set(name, stop);
    await clock.sleep(AGENT_MS, stop.signal);
    if (stop.signal.aborted) return;
    unawaited.add(name);
    onDue();
  };
  return {
    unawaited,
    are: (nodes) => {
      for (const [name, stop] of waiting) {
        if (nodes.includes(name)) continue;
        stop.abort();
        waiting.delete(name);
        unawaited.delete(name);
      }
      for (const name of nodes) if (!waiting.has(name)) void waitFor(name);
    },
    close: () => {
      for (const stop of waiting.values()) stop.abort();
    },
  };
}
