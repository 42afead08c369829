/** Owns planning changes of a service's policies. Pure. */
import { canonicalJson } from '../model/canonical-json.ts';
import { type PolicyFlags, policyFromFlags } from '../model/policy-flags.ts';
import type { POLICY_PARTS, ServicePolicy } from '../model/policy-scaling.ts';
import type { Service } from '../model/service.ts';
import { compareAge } from './instance-set.ts';
import type { Plan, StoredService } from './plan.ts';

/** What flags say becomes so, the rest stays; or one part is taken away, undefined: all. */
export type PolicyRequest =
  | { readonly kind: 'set'; readonly flags: PolicyFlags }
  | { readonly kind: 'remove'; readonly part: (typeof POLICY_PARTS)[number] | undefined };

/** What a change of policies is planned from. */
export interface PolicyInput {
  readonly request: PolicyRequest;
  readonly stored: StoredService;
  /** Store revision at which `stored` was read. */
  readonly revision: number;
}

const isEmpty = ({ weights, scaling }: ServicePolicy): boolean =>
  weights === undefined && scaling === undefined;

function changed(before: Service, request: PolicyRequest): Service {
  if (request.kind === 'set') return { ...before, policy: policyFromFlags(request.flags, before) };
  const { policy: old = {}, pin, ...rest } = before;
  const { part } = request;
  const goes = (name: (typeof POLICY_PARTS)[number]): boolean => part === undefined || part === name;
  const policy: ServicePolicy = {
    ...(old.weights === undefined || goes('weights') ? {} : { weights: old.weights }),
    ...(old.scaling === undefined || goes('scaling') ? {} : { scaling: old.scaling }),
  };
  return {
    ...rest,
    ...(isEmpty(policy) ? {} : { policy }),
    ...(pin === undefined || goes('pin') ? {} : { pin }),
  };
}

/**
 * Plans other policies. What follows from them is the leader's.
 * @throws SluiceError `invalid-spec` naming the flag
 */
export function planPolicy({ request, stored, revision }: PolicyInput): Plan {
  const before = stored.service;
  const after = changed(before.value, request);
  const isSame = canonicalJson({ ...before.value }) === canonicalJson({ ...after });
  return {
    service: before.value.name,
    origin: before.value.origin,
    baseRevision: revision,
    outcome: isSame ? 'unchanged' : 'updated',
    changes: isSame ? [] : [{ kind: 'update-service', before, after }],
    claims: [],
    releases: [],
    narrowing: [],
    after: stored.instances.toSorted(compareAge).map(({ value }) => value),
  };
}
