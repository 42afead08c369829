/** Owns adding, setting and removing single instances of a service. */
import { type InstancesRequest, planInstances } from '../plan/instances.ts';
import type { CallOptions, Store } from '../store/store.ts';
import type { WriteDeps, WriteOptions } from './deps.ts';
import { type Intent, prepare } from './prepare.ts';
import type { WriteResult } from './result.ts';
import { assertServices, serviceIntent } from './service-intent.ts';
import { write } from './write.ts';

/** What to do to the static instances of one service. */
export type InstancesChange = InstancesRequest & { readonly service: string };

/** What a change of instances wants of its service. @throws SluiceError `not-found`, `unavailable` */
export async function instancesIntent(
  store: Store,
  change: InstancesChange,
  options: CallOptions = {},
): Promise<Intent> {
  const { service } = change;
  await assertServices(store, [service], options);
  return serviceIntent(service, (read, now) => planInstances({ request: change, ...read, now }));
}

/**
 * Changes instances of one service in one transaction.
 * @throws SluiceError `not-found` (service or instance), `invalid-spec`, `not-confirmed`, `conflict`, `unavailable`, `unknown`, `interrupted`
 */
export async function changeInstances(
  deps: WriteDeps,
  change: InstancesChange,
  options: WriteOptions = {},
): Promise<WriteResult> {
  const { ifRevision, signal } = options;
  const intent = await instancesIntent(deps.store, change, { signal });
  const first = await prepare(deps, intent, { ifRevision, signal });
  await options.confirm?.([first.plan]);
  return write(deps, intent, { ...options, first });
}
