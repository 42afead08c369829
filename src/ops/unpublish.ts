/** Owns unpublishing: services, their instances and entry claims away, each service in one transaction. */
import type { CallOptions, Store } from '../store/store.ts';
import { serviceKey } from '../store/keys.ts';
import { planUnpublish } from '../plan/unpublish.ts';
import type { WriteDeps, WriteOptions } from './deps.ts';
import { serviceNotFound, unreadable } from './not-found.ts';
import type { Intent } from './prepare.ts';
import { writeAll } from './report.ts';
import type { WriteReport } from './result.ts';

/**
 * What unpublishing wants of each service; a name said twice counts once.
 * @throws SluiceError `not-found` naming all that are missing, `unavailable`
 */
export async function unpublishIntents(
  store: Store,
  names: readonly string[],
  options: CallOptions = {},
): Promise<readonly Intent[]> {
  const unique = [...new Set(names)];
  const found = await Promise.all(unique.map((name) => store.get(serviceKey(name), options)));
  const missing = unique.filter((_, index) => found[index]?.item === undefined);
  if (missing.length > 0) throw await serviceNotFound(store, missing, options);
  return unique.map((service) => ({
    service,
    planFrom: ({ stored, revision, invalid }) => {
      if (stored === undefined) throw unreadable(service, invalid);
      return planUnpublish({ stored, revision });
    },
  }));
}

/**
 * Deletes services. Same order, consent and failure rules as `publish`.
 * @throws SluiceError before anything was written: `not-found` (details.missing, details.names), `not-confirmed`, `unavailable`, `conflict`,
 *   `failed` (a record that cannot be read)
 */
export async function unpublish(
  deps: WriteDeps,
  names: readonly string[],
  options: WriteOptions = {},
): Promise<WriteReport> {
  const intents = await unpublishIntents(deps.store, names, { signal: options.signal });
  return writeAll(deps, intents, options);
}
