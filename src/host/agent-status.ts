/** Owns the status file of an agent: what it last did and since when its view is stale, readable without the store. */
import path from 'node:path';

/** What the agent on this machine says of itself. */
export interface AgentStatus {
  readonly node: string;
  /** Store revision that the kernel rules show. */
  readonly revision: number;
  readonly appliedAt: string;
  readonly rulesHash: string;
  /** The agent's watch on the store is alive. */
  readonly connected: boolean;
  /** Since when the view may be out of date; undefined while connected. */
  readonly staleSince?: string | undefined;
  readonly entries: number;
  readonly instances: number;
  /** What could not be applied, one line each. */
  readonly failures: readonly string[];
  readonly pid: number;
}

/** Where the file is. */
export const agentStatusPath = (stateDir: string): string => path.join(stateDir, 'status.json');
