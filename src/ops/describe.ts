/** Owns `describe`: everything about one thing. */
import type { ReadDeps } from './deps.ts';
import type { ReadOptions } from './list.ts';
import type { Reference } from './reference.ts';
import type { Description, InvalidRecord } from './views.ts';

/** A description at one store revision. */
export interface DescriptionView {
  readonly revision: number;
  readonly description: Description;
  readonly invalid: readonly InvalidRecord[];
}

/**
 * Describes a service, an instance or a node.
 * @throws SluiceError `not-found` (details.names: what there is, for did-you-mean), `unavailable`, `permission`
 */
export async function describe(
  deps: ReadDeps,
  reference: Reference,
  options: ReadOptions = {},
): Promise<DescriptionView> {
  throw new Error(`in work ${deps.store.description} ${reference.kind} ${String(options.signal)}`);
}
