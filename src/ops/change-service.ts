/** Owns changes of one service that is there: its number of instances, its policies, and draining and restoring instances. */
import type { Clock } from '../host/clock.ts';
import { type DrainRequest, planDrain } from '../plan/drain.ts';
import type { Plan } from '../plan/plan.ts';
import { planPolicy, type PolicyRequest } from '../plan/policy.ts';
import { planScale, type ScaleRequest } from '../plan/scale.ts';
import type { CallOptions } from '../store/store.ts';
import type { ReadDeps, WriteDeps, WriteOptions } from './deps.ts';
import { type Intent, prepare } from './prepare.ts';
import type { WriteResult } from './result.ts';
import { assertServices, type ReadService, serviceIntent } from './service-intent.ts';
import { write } from './write.ts';

/** What to do to one service. */
export type ServiceChange =
  | {
      readonly kind: 'scale';
      readonly service: string;
      readonly request: ScaleRequest;
      /** No policy changes the number for so long. */
      readonly pinMs?: number | undefined;
    }
  | { readonly kind: 'policy'; readonly service: string; readonly request: PolicyRequest }
  | { readonly kind: 'drain'; readonly service: string; readonly request: DrainRequest };

function planOf(change: ServiceChange, read: ReadService, clock: Clock): Plan {
  switch (change.kind) {
    case 'scale': {
      const { request, pinMs } = change;
      const pinnedUntil =
        pinMs === undefined ? undefined : new Date(clock.now().getTime() + pinMs).toISOString();
      return planScale({ request, pinnedUntil, ...read });
    }
    case 'policy':
      return planPolicy({ request: change.request, ...read });
    case 'drain':
      return planDrain({ request: change.request, ...read });
  }
  return change satisfies never;
}

async function intentOf(
  { store, clock }: ReadDeps,
  change: ServiceChange,
  options: CallOptions,
): Promise<Intent> {
  const { service } = change;
  await assertServices(store, [service], options);
  return serviceIntent(service, (read) => planOf(change, read, clock));
}

/** What `changeService` would do. @throws SluiceError as `changeService` before its write */
export async function planServiceChange(
  deps: ReadDeps,
  change: ServiceChange,
  options: Pick<WriteOptions, 'ifRevision' | 'signal'> = {},
): Promise<Plan> {
  const intent = await intentOf(deps, change, { signal: options.signal });
  const { plan } = await prepare(deps, intent, options);
  return plan;
}

/**
 * Changes one service in one transaction.
 * @throws SluiceError `not-found` (service or instance), `invalid-spec`, `not-confirmed`, `conflict`, `unavailable`, `unknown`, `interrupted`
 */
export async function changeService(
  deps: WriteDeps,
  change: ServiceChange,
  options: WriteOptions = {},
): Promise<WriteResult> {
  const { ifRevision, signal } = options;
  const intent = await intentOf(deps, change, { signal });
  const first = await prepare(deps, intent, { ifRevision, signal });
  await options.confirm?.([first.plan]);
  return write(deps, intent, { ...options, first });
}
