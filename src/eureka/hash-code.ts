/** Owns the hash code by which clients tell that their copy is the server's. Pure. */
import { REGISTERED_STATUSES, type RegisteredStatus } from '../model/registration.ts';

/** `DOWN_1_UP_3_`: each status that occurs with its number, in alphabetical order; '' for none (Applications.getReconcileHashCode). */
export function hashCode(counts: ReadonlyMap<RegisteredStatus, number>): string {
  return REGISTERED_STATUSES.flatMap((status) => {
    const count = counts.get(status) ?? 0;
    return count === 0 ? [] : [`${status}_${count}_`];
  }).join('');
}
