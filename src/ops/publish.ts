/** Owns publishing: specs into services, each in one transaction. */
import type { ServiceSpec } from '../model/service.ts';
import type { WriteDeps, WriteOptions } from './deps.ts';
import type { WriteReport } from './result.ts';

/**
 * Creates or updates the services of the specs. Everything is read, planned, checked and consented to before the first write; then
 * each service is written in one transaction, in the order given. A failed service does not stop the others, but an unreachable
 * store, an unknown outcome or an interrupt does.
 * @throws SluiceError before anything was written: `invalid-spec` (a service or an entry twice), `not-confirmed`, `unavailable`,
 *   `conflict` (an entry is held by another service: details.holder, details.entry; or `ifRevision` does not hold), `usage`
 *   (`ifRevision` with several specs), `interrupted`
 */
export async function publish(
  deps: WriteDeps,
  specs: readonly ServiceSpec[],
  options: WriteOptions = {},
): Promise<WriteReport> {
  throw new Error(`in work ${deps.store.description} ${specs.length} ${options.reason}`);
}
