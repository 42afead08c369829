/** Owns lists: services, instances and nodes as read models. */
import { collectPaced } from '../model/pace.ts';
import { readCluster, readNodes } from './cluster-read.ts';
import type { ReadDeps } from './deps.ts';
import { allInstanceItems, instanceItems, nodeItems, serviceItems } from './items.ts';
import { serviceNotFound } from './not-found.ts';
import type { InstanceItem, ListView, NodeItem, ServiceItem } from './views.ts';

/** Bounds of a read. */
export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
}

/** All services. @throws SluiceError `unavailable`, `permission` */
export async function listServices(
  deps: ReadDeps,
  options: ReadOptions = {},
): Promise<ListView<ServiceItem>> {
  const read = await readCluster(deps.store, { signal: options.signal, ...deps.reading });
  const items = await collectPaced(serviceItems(read, deps.clock.now()), deps.reading?.pace);
  return { revision: read.revision, items, invalid: read.invalid };
}

/** All instances, or those of one service. @throws SluiceError `not-found` (service), `unavailable`, `permission` */
export async function listInstances(
  deps: ReadDeps,
  options: ReadOptions & { readonly service?: string | undefined } = {},
): Promise<ListView<InstanceItem>> {
  const { service } = options;
  const read = await readCluster(deps.store, { signal: options.signal, ...deps.reading });
  const { revision, invalid, snapshot } = read;
  const now = deps.clock.now();
  if (service === undefined) {
    const items = await collectPaced(allInstanceItems(read, now), deps.reading?.pace);
    return { revision, items, invalid };
  }
  if (!snapshot.services.has(service)) throw await serviceNotFound(deps.store, [service], options);
  return { revision, items: instanceItems(read, service, now), invalid };
}

/** All nodes ever seen, live and silent. @throws SluiceError `unavailable`, `permission` */
export async function listNodes(deps: ReadDeps, options: ReadOptions = {}): Promise<ListView<NodeItem>> {
  const { revision, nodes, invalid } = await readNodes(deps.store, options);
  return { revision, items: nodeItems(nodes, deps.clock.now()), invalid };
}
