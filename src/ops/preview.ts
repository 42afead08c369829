/** Owns previews: the same reading and planning as the writes, without a write. For `plan` and `--dry-run`. */
import type { ServiceSpec } from '../model/service.ts';
import type { Plan } from '../plan/plan.ts';
import { type InstancesChange, instancesIntent } from './change-instances.ts';
import type { ReadDeps, WriteOptions } from './deps.ts';
import { prepare } from './prepare.ts';
import { prepareAll } from './report.ts';
import { publishIntents } from './publish.ts';
import { unpublishIntents } from './unpublish.ts';

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
  const prepared = await prepareAll(deps, publishIntents(specs), options);
  return prepared.map(({ plan }) => plan);
}

/** What `unpublish` would do. @throws SluiceError as `unpublish` before its first write */
export async function planRemovals(
  deps: ReadDeps,
  names: readonly string[],
  options: PreviewOptions = {},
): Promise<readonly Plan[]> {
  const intents = await unpublishIntents(deps.store, names, { signal: options.signal });
  const prepared = await prepareAll(deps, intents, options);
  return prepared.map(({ plan }) => plan);
}

/** What `changeInstances` would do. @throws SluiceError as `changeInstances` before its write */
export async function planInstancesChange(
  deps: ReadDeps,
  change: InstancesChange,
  options: PreviewOptions = {},
): Promise<Plan> {
  const intent = await instancesIntent(deps.store, change, { signal: options.signal });
  const { plan } = await prepare(deps, intent, options);
  return plan;
}
