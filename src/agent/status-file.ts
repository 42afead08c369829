/**
 * Owns the agent's status file: what `sluice status` on this node can tell while the store is away. Written once a change, the latest
 * state last; a disk that refuses is logged once and changes nothing else.
 */
import { type AgentStatus, agentStatusPath } from '../host/agent-status.ts';
import { writeAtomic } from '../host/files.ts';
import type { Log } from '../host/log.ts';

/** Keeps the file at the latest state. */
export interface StatusFile {
  readonly update: (change: Partial<AgentStatus>) => void;
  /** Resolves when the latest state is on disk (or refused). */
  readonly close: () => Promise<void>;
}

/** Starts keeping the status file of a state directory. */
export function startStatusFile(stateDir: string, initial: AgentStatus, log: Log): StatusFile {
  let latest = initial;
  let written: AgentStatus | undefined;
  let running: Promise<void> | undefined;
  let refused = false;

  const run = async (): Promise<void> => {
    while (written !== latest) {
      const status = latest;
      try {
        await writeAtomic(agentStatusPath(stateDir), `${JSON.stringify(status)}\n`);
        refused = false;
      } catch (error) {
        if (!refused) log.warn('cannot write the status file', { why: String(error) });
        refused = true;
      }
      written = status;
    }
    running = undefined;
  };

  return {
    update: (change) => {
      latest = { ...latest, ...change };
      running ??= run();
    },
    close: async () => {
      await running;
    },
  };
}
