/** Owns previews: the same reading and planning as the writes, without a write. For `plan` and `--dry-run`. */
import type { ServiceSpec } from '../model/service.ts';
import type { Plan } from '../plan/plan.ts';
import type { InstancesChange } from './change-instances.ts';
import type { ReadDeps, WriteOptions } from './deps.ts';

/** Options that a preview heeds. */
export type PreviewOptions = Pick<WriteOptions, 'ifRevision' | 'signal'>;

/**
 * What `publish` would do, in the order given; checks entry claims and `ifRevision` as publish would.
 * @throws SluiceError as `publish` before its first write
 */
export async function planSpecs(
  deps: ReadDeps,
  specs: readonly ServiceSpec[],
  options: PreviewOptions = {},
): Promise<readonly Plan[]> {
  throw new Error(`in work ${deps.store.description} ${specs.length} ${options.ifRevision}`);
}

/** What `unpublish` would do. @throws SluiceError as `unpublish` before its first write */
export async function planRemovals(
  deps: ReadDeps,
  names: readonly string[],
  options: PreviewOptions = {},
): Promise<readonly Plan[]> {
  throw new Error(`in work ${deps.store.description} ${names.length} ${options.ifRevision}`);
}

/** What `changeInstances` would do. @throws SluiceError as `changeInstances` before its write */
export async function planInstancesChange(
  deps: ReadDeps,
  change: InstancesChange,
  options: PreviewOptions = {},
): Promise<Plan> {
  throw new Error(`in work ${deps.store.description} ${change.kind} ${options.ifRevision}`);
}
