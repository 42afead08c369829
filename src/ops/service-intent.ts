/** Owns the intent to change, or to delete, a service that is there. */
import type { Plan, StoredService } from '../plan/plan.ts';
import { serviceKey } from '../store/keys.ts';
import type { CallOptions, Store } from '../store/store.ts';
import { serviceNotFound, unreadable } from './not-found.ts';
import type { Intent } from './prepare.ts';

/** What a service was read at. */
export interface ReadService {
  readonly stored: StoredService;
  readonly revision: number;
}

/** Makes sure that all are there. @throws SluiceError `not-found` naming the missing ones, `unavailable` */
export async function assertServices(
  store: Store,
  names: readonly string[],
  options: CallOptions,
): Promise<void> {
  const found = await Promise.all(names.map((name) => store.get(serviceKey(name), options)));
  const missing = names.filter((_, index) => found[index]?.item === undefined);
  if (missing.length > 0) throw await serviceNotFound(store, missing, options);
}

/** The intent for one that was there; its plan throws if it is gone meanwhile, or cannot be read. */
export function serviceIntent(service: string, plan: (read: ReadService, at: string) => Plan): Intent {
  return {
    service,
    planFrom: ({ stored, revision, invalid }, at) => {
      if (stored === undefined) throw unreadable(service, invalid);
      return plan({ stored, revision }, at);
    },
  };
}
