/** Owns reading what the leader decided for a service of late. */
import type { Decision } from '../model/decision.ts';
import { decodeDecision } from '../model/records-leader.ts';
import { decisionsOf } from '../store/keys.ts';
import { whyInvalid } from '../store/snapshot.ts';
import type { CallOptions, Store } from '../store/store.ts';

/** Decisions that are shown. */
const MAX_DECISIONS = 5;

/** The last decisions, newest first; records that cannot be read are passed over. @throws SluiceError `unavailable`, `permission` */
export async function lastDecisions(
  store: Store,
  service: string,
  options: CallOptions = {},
): Promise<readonly Decision[]> {
  const range = decisionsOf(service);
  const { items } = await store.list(range, options);
  return items
    .slice(-MAX_DECISIONS)
    .toReversed()
    .flatMap(({ key, value }): readonly Decision[] => {
      try {
        return [decodeDecision({ service, at: key.slice(range.start.length) }, value).value];
      } catch (error) {
        whyInvalid(error);
        return [];
      }
    });
}
