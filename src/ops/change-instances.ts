/** Owns adding, setting and removing single instances of a service. */
import type { Address } from '../model/address.ts';
import type { InstanceSpec } from '../model/service.ts';
import type { WriteDeps, WriteOptions } from './deps.ts';
import type { WriteResult } from './result.ts';

/** What to do to the static instances of one service. */
export type InstancesChange =
  /** Adds what is not there; an instance that is there with another weight is an error. */
  | { readonly kind: 'add'; readonly service: string; readonly instances: readonly InstanceSpec[] }
  /** Sets the weights of instances that are there. */
  | { readonly kind: 'set'; readonly service: string; readonly instances: readonly InstanceSpec[] }
  /** Removes instances; one that is not there is an error. */
  | { readonly kind: 'remove'; readonly service: string; readonly addresses: readonly Address[] };

/**
 * Changes instances of one service in one transaction.
 * @throws SluiceError `not-found` (service or instance), `invalid-spec`, `not-confirmed`, `conflict`, `unavailable`, `unknown`, `interrupted`
 */
export async function changeInstances(
  deps: WriteDeps,
  change: InstancesChange,
  options: WriteOptions = {},
): Promise<WriteResult> {
  throw new Error(`in work ${deps.store.description} ${change.kind} ${options.reason}`);
}
