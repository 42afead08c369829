/**
 * Owns the agent's status file: what `sluice status` on this node can tell while the store is away. Written once a change, the latest
 * state last; a disk that refuses is logged once and changes nothing else.
 */
import { type AgentStatus, writeAgentStatus } from '../host/agent-status.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';

/** Keeps the file at the latest state. */
export interface StatusFile {
  readonly update: (change: Partial<AgentStatus>) => void;
  /** Resolves when the latest state is on disk (or refused). */
  readonly close: () => Promise<void>;
}

/** What keeping the file needs. */
export interface StatusFileOptions {
  readonly stateDir: string;
  readonly initial: AgentStatus;
  readonly clock: Clock;
  readonly log: Log;
}

/** A storm of changes must not become a storm of fsyncs. */
const SHORTEST_PAUSE_MS = 200;
/** Before a write: what is urgent has the disk and the processor first, and changes come together. */
const LEAD_MS = 100;

/** Starts keeping the status file of a state directory. */
export function startStatusFile({ stateDir, initial, clock, log }: StatusFileOptions): StatusFile {
  const closing = new AbortController();
  let latest = initial;
  let written: AgentStatus | undefined;
  let running: Promise<void> | undefined;
  let refused = false;

  const run = async (): Promise<void> => {
    await clock.sleep(LEAD_MS, closing.signal);
    while (written !== latest) {
      const status = latest;
      try {
        await writeAgentStatus(stateDir, status);
        refused = false;
      } catch (error) {
        if (!refused) log.warn('cannot write the status file', { why: String(error) });
        refused = true;
      }
      written = status;
      if (!closing.signal.aborted) await clock.sleep(SHORTEST_PAUSE_MS, closing.signal);
    }
    running = undefined;
  };

  return {
    update: (change) => {
      latest = { ...latest, ...change };
      running ??= run();
    },
    close: async () => {
      closing.abort();
      await running;
    },
  };
}
