/** Owns reading who leads. */
import type { Leader } from '../model/decision.ts';
import { decodeLeader } from '../model/records-leader.ts';
import { LEADER_KEY } from '../store/keys.ts';
import type { CallOptions, Store } from '../store/store.ts';

/**
 * Who leads the cluster; undefined: nobody does.
 * @throws SluiceError `unavailable`, `permission`, `failed` for a record that cannot be read
 */
export async function readLeader(store: Store, call: CallOptions = {}): Promise<Leader | undefined> {
  const { item } = await store.get(LEADER_KEY, call);
  return item === undefined ? undefined : decodeLeader(item.value).value;
}
