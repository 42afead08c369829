/** Owns opening the data plane of a node: its layout, whichever it is, the guard beside it, and where its refusals are held. */
import type { Dataplane } from './dataplane.ts';
import { forwarding, openForwardAccept } from './forward-accept.ts';
import { openGuard } from './guard-nft.ts';
import { guarded } from './guard.ts';
import type { LayoutChoice } from './layout-choice.ts';
import { type LayoutOptions, openLayout } from './open-layout.ts';
import { NO_REFUSALS, nftRefusals, type Refusals } from './refusals.ts';

/** A node's data plane. */
export interface OpenedDataplane {
  readonly dataplane: Dataplane;
  /** Of instances on this node; empty until it is told of some. */
  readonly refusals: Refusals;
  /** The layout of its rules, and why this one. */
  readonly choice: LayoutChoice;
  /** What is known from the start that it cannot do, one line each. */
  readonly notes: readonly string[];
}

/**
 * Opens the data plane of the network namespace that `exec` runs programs in; reads only.
 * @throws SluiceError `config` if the layout that was asked for, or every one, does not work here
 */
export async function openDataplane(options: Omit<LayoutOptions, 'routeType'>): Promise<OpenedDataplane> {
  const { exec } = options;
  const guard = await openGuard(exec);
  const routeType = guard.isThere ? 'device' : 'local';
  const { dataplane: layout, choice, tools } = await openLayout({ ...options, routeType });
  // Without iptables there is no FORWARD chain of it, and without the guard nothing carries its mark.
  const accept = guard.isThere && tools !== undefined ? openForwardAccept(exec, tools) : undefined;
  const plane = guarded(layout, guard, async () => accept?.isNeeded() ?? false);
  const dataplane = accept === undefined ? plane : forwarding(plane, accept);
  const refusals = guard.isThere ? nftRefusals(exec) : NO_REFUSALS;
  return { dataplane, refusals, choice, notes: guard.notes };
}
