/** Owns joining what explain and verify need of this node: its kernel, and the snapshot that its agent saved. */
import { loadSnapshot } from '../agent/saved-snapshot.ts';
import { type InstalledRules, readInstalled } from '../dataplane/live/installed.ts';
import { readLiveRules } from '../dataplane/live/live-tables.ts';
import { readNodeState } from '../dataplane/live/node-state.ts';
import { readRoutes } from '../dataplane/live/routes.ts';
import { exec, type Exec } from '../host/exec.ts';
import type { NodeReader } from '../ops/explain.ts';
import type { SavedItems } from '../ops/explain-sources.ts';

/** Reads the kernel of the network namespace that programs are run in. */
export function nodeReader(run: Exec = exec): NodeReader {
  return {
    rules: async (family) => readLiveRules(run, family),
    state: async (place) => readNodeState(run, place),
    routes: async (ips) => readRoutes(run, ips),
  };
}

/** Reads the snapshot that the agent with this state directory saved; undefined if there is none. */
export async function savedItems(stateDir: string): Promise<SavedItems | undefined> {
  return loadSnapshot(stateDir);
}

/** Reads our rules in the kernel of the network namespace that this process is in. */
export async function readInstalledHere(): Promise<InstalledRules> {
  return readInstalled(exec);
}
