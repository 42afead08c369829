/** Owns unpublishing: services, their instances and entry claims away, each service in one transaction. */
import type { CallOptions, Store } from '../store/store.ts';
import { planUnpublish } from '../plan/unpublish.ts';
import type { WriteDeps, WriteOptions } from './deps.ts';
import { assertServices, serviceIntent } from './service-intent.ts';
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
  await assertServices(store, unique, options);
  return unique.map((service) => serviceIntent(service, planUnpublish));
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
