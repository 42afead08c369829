/** Owns planning an unpublish: a service with all that belongs to it, away. Pure. */
import { compareEntries } from '../model/entry.ts';
import { withInstances } from './instance-set.ts';
import type { Change, Plan, StoredService } from './plan.ts';

/**
 * Plans the deletion of a service, its instances and its entry claims. Managed instances are not removed here: with the service nothing
 * forwards to them any more, and the leader stops them and deletes their keys once they have ended.
 * @param input.revision store revision at which `stored` was read
 */
export function planUnpublish(input: { readonly stored: StoredService; readonly revision: number }): Plan {
  const { service, instances } = input.stored;
  const removals = instances
    .filter(({ value }) => value.origin !== 'managed')
    .map((before): Change => ({ kind: 'remove-instance', before }));
  return {
    service: service.value.name,
    origin: service.value.origin,
    baseRevision: input.revision,
    outcome: 'deleted',
    changes: [...withInstances(instances, removals).changes, { kind: 'delete-service', before: service }],
    claims: [],
    releases: service.value.entries.toSorted(compareEntries),
    narrowing: [{ kind: 'deletes-service' }],
    after: [],
  };
}
