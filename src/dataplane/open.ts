/** Owns opening the data plane of a node: its layout and the guard beside it. */
import type { Exec } from '../host/exec.ts';
import type { Dataplane } from './dataplane.ts';
import { forwarding, openForwardAccept } from './forward-accept.ts';
import { openGuard } from './guard-nft.ts';
import { guarded } from './guard.ts';
import { openIptables } from './iptables/iptables.ts';
import type { RunRestore } from './iptables/nat-table.ts';
import { detectTools } from './iptables/variant.ts';

/** A node's data plane with what is known from the start that it cannot do, one line each. */
export interface OpenedDataplane {
  readonly dataplane: Dataplane;
  readonly notes: readonly string[];
}

/**
 * Opens the data plane of the network namespace that `exec` runs programs in; reads only.
 * @param runRestore how texts reach iptables-restore; by `exec` if not given
 * @throws SluiceError `config` if iptables is not installed
 */
export async function openDataplane(exec: Exec, runRestore?: RunRestore): Promise<OpenedDataplane> {
  const guard = await openGuard(exec);
  const layout = await openIptables(exec, { runRestore, routeType: guard.isThere ? 'device' : 'local' });
  const plane = guarded(layout, guard);
  if (!guard.isThere) return { dataplane: plane, notes: guard.notes };
  const accept = openForwardAccept(exec, await detectTools(exec));
  return { dataplane: forwarding(plane, accept), notes: guard.notes };
}
