/** Owns shares as reported: which instances get new connections, and what part of them. Pure. */
import { formatAddress } from '../model/address.ts';
import { type ComputedWeights, effectiveWeights } from '../model/computed-weights.ts';
import type { Instance } from '../model/service.ts';
import { isServing } from '../model/serving.ts';
import { sharesOf } from '../model/share.ts';
import type { Share } from './result.ts';

/**
 * Each instance's part of the new connections, in the order given; `weight` is its base weight.
 * @param computed what the balancer made of the base weights
 */
export function instanceShares(
  instances: readonly Instance[],
  computed?: ComputedWeights['weights'],
): readonly Share[] {
  const serving = instances.filter(isServing);
  const effective = effectiveWeights(serving, computed);
  const weightOf = new Map(serving.map(({ id }, index) => [id, effective[index]]));
  const shares = sharesOf(instances.map((one) => ({ ...one, weight: weightOf.get(one.id) ?? 0 })));
  return instances.map((one, index) => ({
    id: one.id,
    address: formatAddress(one),
    weight: one.weight,
    share: shares[index] ?? 0,
  }));
}
