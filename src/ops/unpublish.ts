/** Owns unpublishing: services, their instances and entry claims away, each service in one transaction. */
import type { WriteDeps, WriteOptions } from './deps.ts';
import type { WriteReport } from './result.ts';

/**
 * Deletes services. Same order, consent and failure rules as `publish`.
 * @throws SluiceError before anything was written: `not-found` (details.names), `not-confirmed`, `unavailable`, `conflict`, `usage`
 */
export async function unpublish(
  deps: WriteDeps,
  names: readonly string[],
  options: WriteOptions = {},
): Promise<WriteReport> {
  throw new Error(`in work ${deps.store.description} ${names.length} ${options.reason}`);
}
