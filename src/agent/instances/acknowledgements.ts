/** Owns waiting until every live node has a revision in its kernel: the acknowledgements are listed while somebody waits. */
import type { Clock } from '../../host/clock.ts';
import { decodeApplied } from '../../model/records-node.ts';
import { APPLIED, appliedKey, NODES_ALIVE } from '../../store/keys.ts';
import type { Store } from '../../store/store.ts';

/** Pause between two lists, and the budget of one. */
const LIST_EVERY_MS = 100;
const LIST_MS = 1_000;

const NODE_PREFIX = NODES_ALIVE.start;

/** Resolves when all live nodes have applied the revision, or the signal aborts. Waits on while the store is away. */
export type Acknowledgements = (revision: number, signal: AbortSignal) => Promise<void>;

/** The revision that a node has applied; 0 if it says nothing that can be read. */
function revisionOf(node: string, json: string | undefined): number {
  if (json === undefined) return 0;
  try {
    return decodeApplied(node, json).value.revision;
  } catch {
    return 0;
  }
}

/** The lowest revision that all live nodes have applied, by one look at the store; of no live node: all there are. */
async function lowestApplied(store: Store, signal: AbortSignal): Promise<number> {
  const bounds = { timeoutMs: LIST_MS, signal };
  const [alive, applied] = await Promise.all([store.list(NODES_ALIVE, bounds), store.list(APPLIED, bounds)]);
  const values = new Map(applied.items.map(({ key, value }) => [key, value]));
  const nodes = alive.items.map(({ key }) => key.slice(NODE_PREFIX.length));
  return Math.min(Infinity, ...nodes.map((node) => revisionOf(node, values.get(appliedKey(node)))));
}

/** Waits over one store; all that wait share one look. */
export function createAcknowledgements(store: Store, clock: Clock): Acknowledgements {
  let looking: Promise<number> | undefined;
  const look = async (signal: AbortSignal): Promise<number> => {
    looking ??= lowestApplied(store, signal)
      .catch(() => 0)
      .finally(() => {
        looking = undefined;
      });
    return await looking;
  };
  return async (revision, signal) => {
    while (!signal.aborted) {
      if ((await look(signal)) >= revision) return;
      await clock.sleep(LIST_EVERY_MS, signal);
    }
  };
}
