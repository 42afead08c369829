/** Owns joining what explain and verify need of this node: its kernel, and the snapshot that its agent saved. */
import { loadSnapshot } from '../agent/saved-snapshot.ts';
import { readLiveRules } from '../dataplane/live/live-tables.ts';
import { readNodeState } from '../dataplane/live/node-state.ts';
import { readRoutes } from '../dataplane/live/routes.ts';
import type { Exec } from '../host/exec.ts';
import type { NodeReader } from '../ops/explain.ts';
import type { SavedItems } from '../ops/explain-sources.ts';

/** Reads the kernel of the network namespace that programs are run in. */
export function nodeReader(run: Exec): NodeReader {
  return {
    rules: async (family, entry) => readLiveRules(run, family, entry),
    state: async (place) => readNodeState(run, place),
    routes: async (ips) => readRoutes(run, ips),
  };
}

/** Reads the snapshot that the agent with this state directory saved; undefined if there is none. */
export async function savedItems(stateDir: string): Promise<SavedItems | undefined> {
  return loadSnapshot(stateDir);
}
