/** Owns reading the policies of services. */
import { type PolicyObject, policyObject } from '../model/policy-format.ts';
import { type ScalingPin, weightsPolicyOf } from '../model/policy-scaling.ts';
import { readCluster } from './cluster-read.ts';
import type { ReadDeps } from './deps.ts';
import type { ReadOptions } from './list.ts';
import { serviceNotFound } from './not-found.ts';
import type { ListView } from './views.ts';

/** Policies of one service as in a spec file: those in force, also where nothing was set. */
export interface PolicyItem extends PolicyObject {
  readonly service: string;
  readonly pin?: ScalingPin;
}

/**
 * The policies of these services, in this order.
 * @throws SluiceError `not-found`, `unavailable`, `permission`
 */
export async function policiesOf(
  deps: ReadDeps,
  names: readonly string[],
  options: ReadOptions = {},
): Promise<ListView<PolicyItem>> {
  const [only, ...more] = names;
  const read = await readCluster(deps.store, { ...options, service: more.length === 0 ? only : undefined });
  const missing = names.filter((name) => !read.snapshot.services.has(name));
  if (missing.length > 0) throw await serviceNotFound(deps.store, missing, options);
  const items = names.flatMap((name): readonly PolicyItem[] => {
    const service = read.snapshot.services.get(name)?.value;
    if (service === undefined) return [];
    const { policy, origin, pin } = service;
    const inForce = policyObject({ ...policy, weights: weightsPolicyOf(policy, origin) });
    return [{ service: name, ...inForce, ...(pin === undefined ? {} : { pin }) }];
  });
  return { revision: read.revision, items, invalid: read.invalid };
}
