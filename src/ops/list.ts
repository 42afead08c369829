/** Owns lists: services, instances and nodes as read models. */
import type { ReadDeps } from './deps.ts';
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
  throw new Error(`in work ${deps.store.description} ${String(options.signal)}`);
}

/** All instances, or those of one service. @throws SluiceError `not-found` (service), `unavailable`, `permission` */
export async function listInstances(
  deps: ReadDeps,
  options: ReadOptions & { readonly service?: string | undefined } = {},
): Promise<ListView<InstanceItem>> {
  throw new Error(`in work ${deps.store.description} ${options.service}`);
}

/** All nodes ever seen, live and silent. @throws SluiceError `unavailable`, `permission` */
export async function listNodes(deps: ReadDeps, options: ReadOptions = {}): Promise<ListView<NodeItem>> {
  throw new Error(`in work ${deps.store.description} ${String(options.signal)}`);
}
