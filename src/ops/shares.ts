/** Owns shares as reported: which instances get new connections, and what part of them. Pure. */
import { formatAddress } from '../model/address.ts';
import type { Instance } from '../model/service.ts';
import { sharesOf } from '../model/share.ts';
import type { Share } from './result.ts';

/** Each instance's part of the new connections, in the order given. */
export function instanceShares(instances: readonly Instance[]): readonly Share[] {
  const shares = sharesOf(instances);
  return instances.map((one, index) => ({
    id: one.id,
    address: formatAddress(one),
    weight: one.weight,
    share: shares[index] ?? 0,
  }));
}
