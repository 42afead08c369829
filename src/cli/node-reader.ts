/** Owns joining what explain and verify need of this node: its kernel, and the snapshot that its agent saved. */
import { loadSnapshot } from '../agent/saved-snapshot.ts';
import { readLiveRules } from '../dataplane/live/live-tables.ts';
import { readNodeState } from '../dataplane/live/node-state.ts';
import { readRoutes } from '../dataplane/live/routes.ts';
import { exec } from '../host/exec.ts';
import type { NodeReader } from '../ops/explain.ts';
import type { SavedItems } from '../ops/explain-sources.ts';

/** Reads the kernel of the network namespace that this process is in. */
export const nodeReader: NodeReader = {
  rules: async (family) => readLiveRules(exec, family),
  state: async (place) => readNodeState(exec, place),
  routes: async (ips) => readRoutes(exec, ips),
};

/** Reads the snapshot that the agent with this state directory saved; undefined if there is none. */
export async function savedItems(stateDir: string): Promise<SavedItems | undefined> {
  return loadSnapshot(stateDir);
}
