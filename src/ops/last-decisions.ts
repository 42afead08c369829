/** Owns reading what the leader decided for a service of late. */
import type { Decision } from '../model/decision.ts';
import { decodeDecision } from '../model/records-leader.ts';
import { decodeScalingRecord } from '../model/records-scaling.ts';
import { decisionsOf } from '../store/keys.ts';
import { whyInvalid } from '../store/snapshot.ts';
import type { CallOptions, Store } from '../store/store.ts';

/** Decisions that a description shows. */
const FEW = 5;

function decode(name: Pick<Decision, 'service' | 'at'>, json: string): Decision {
  return (decodeScalingRecord(name, json) ?? decodeDecision(name, json)).value;
}

/**
 * The last decisions, newest first; records that cannot be read are passed over.
 * @param count so many at most
 * @throws SluiceError `unavailable`, `permission`
 */
export async function lastDecisions(
  store: Store,
  service: string,
  { count = FEW, ...options }: CallOptions & { readonly count?: number } = {},
): Promise<readonly Decision[]> {
  const range = decisionsOf(service);
  const { items } = await store.list(range, options);
  return items
    .slice(-count)
    .toReversed()
    .flatMap(({ key, value }): readonly Decision[] => {
      try {
        return [decode({ service, at: key.slice(range.start.length) }, value)];
      } catch (error) {
        whyInvalid(error);
        return [];
      }
    });
}
