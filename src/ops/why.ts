/** Owns `why`: what was decided for a service, and why. */
import type { Decision } from '../model/decision.ts';
import { formatPolicy } from '../model/policy-format.ts';
import { type ScalingPin, weightsPolicyOf } from '../model/policy-scaling.ts';
import { readCluster } from './cluster-read.ts';
import type { ReadDeps } from './deps.ts';
import { instanceShares } from './shares.ts';
import { lastDecisions } from './last-decisions.ts';
import type { ReadOptions } from './list.ts';
import { serviceNotFound } from './not-found.ts';
import type { InvalidRecord } from './views.ts';

/** Computed weights with their reason; undefined if nobody computed any. */
interface WhyWeights {
  readonly at: string;
  readonly why: string;
  /** By instance id, 0 to 1. */
  readonly shares: Readonly<Record<string, number>>;
}

/** `why <service>`. */
export interface Why {
  readonly service: string;
  /** As in tables: `adaptive, cpu 70%, 2-20`. */
  readonly policy: string;
  readonly replicas: number | undefined;
  readonly pin: ScalingPin | undefined;
  /** Node of the monitor that leads; undefined: nothing is decided now. */
  readonly leader: string | undefined;
  readonly weights: WhyWeights | undefined;
  /** Newest first. */
  readonly decisions: readonly Decision[];
}

/**
 * What was decided for a service.
 * @param options.count decisions at most
 * @throws SluiceError `not-found`, `unavailable`, `permission`
 */
export async function whyOf(
  { store }: ReadDeps,
  name: string,
  { count, ...options }: ReadOptions & { readonly count: number },
): Promise<{ readonly revision: number; readonly why: Why; readonly invalid: readonly InvalidRecord[] }> {
  const read = await readCluster(store, { ...options, service: name });
  const service = read.snapshot.services.get(name)?.value;
  if (service === undefined) throw await serviceNotFound(store, [name], options);
  const { policy, origin, replicas, pin } = service;
  const computed = read.snapshot.weights?.get(name);
  const instances = (read.snapshot.instances.get(name) ?? []).map(({ value }) => value);
  const shares = instanceShares(instances, computed?.weights).map(({ id, share }) => [id, share] as const);
  const why: Why = {
    service: name,
    policy: formatPolicy({ ...policy, weights: weightsPolicyOf(policy, origin) }),
    replicas,
    pin,
    leader: read.leader?.node,
    weights: computed && { at: computed.at, why: computed.why, shares: Object.fromEntries(shares) },
    decisions: await lastDecisions(store, name, { ...options, count }),
  };
  return { revision: read.revision, why, invalid: read.invalid };
}
