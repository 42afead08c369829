/** Owns planning a change of the number of instances of a managed service. Pure. */
import { SluiceError } from '../errors.ts';
import type { ScalingPin } from '../model/policy-scaling.ts';
import { MAX_REPLICAS } from '../model/limits.ts';
import type { Service } from '../model/service.ts';
import { compareAge } from './instance-set.ts';
import type { Plan, StoredService } from './plan.ts';

/** To so many instances, or by so many more or fewer. */
export type ScaleRequest =
  { readonly kind: 'to'; readonly count: number } | { readonly kind: 'by'; readonly count: number };

/** What scaling is planned from. */
export interface ScaleInput {
  readonly request: ScaleRequest;
  /** The number stays as it becomes until then, RFC 3339; undefined: a pin that is there ends. */
  readonly pinnedUntil?: string | undefined;
  readonly stored: StoredService;
  /** Store revision at which `stored` was read. */
  readonly revision: number;
}

function wantedReplicas(service: string, from: number, { kind, count }: ScaleRequest): number {
  const wanted = kind === 'to' ? count : from + count;
  if (wanted >= 0 && wanted <= MAX_REPLICAS) return wanted;
  const by = count < 0 ? String(count) : `+${count}`;
  const how = kind === 'to' ? String(count) : `${by} from ${from}`;
  throw new SluiceError('invalid-spec', `'${service}' cannot be scaled to ${how}`, {
    why: `a service runs 0 to ${MAX_REPLICAS} instances`,
    fix: `sluice scale ${service} N with a number in between`,
    details: { service, field: 'replicas', value: wanted, allowed: `0-${MAX_REPLICAS}` },
  });
}

/** The service with another number, pinned or not; itself if nothing changes. */
function scaled(before: Service, replicas: number, pinnedUntil: string | undefined): Service {
  const pin: ScalingPin | undefined =
    pinnedUntil === undefined ? undefined : { replicas, until: pinnedUntil };
  if (before.replicas === replicas && pin === undefined && before.pin === undefined) return before;
  const { pin: _ended, ...rest } = before;
  return { ...rest, replicas, ...(pin === undefined ? {} : { pin }) };
}

/**
 * Plans a number of instances. Starting and stopping them is the leader's.
 * @throws SluiceError `invalid-spec` for a service whose instances are listed by hand, and for numbers out of range
 */
export function planScale({ request, pinnedUntil, stored, revision }: ScaleInput): Plan {
  const before = stored.service;
  const { name, origin, replicas: from } = before.value;
  if (origin !== 'managed' || from === undefined) {
    throw new SluiceError(
      'invalid-spec',
      `service '${name}' is ${origin}: sluice does not start its instances`,
      {
        why: 'only a service with a template (publish --command or --image) can be scaled',
        fix: `add an instance: sluice instance add ${name} IP:PORT; or publish ${name} with --command`,
        details: { service: name, field: 'replicas', origin, allowed: 'a managed service' },
      },
    );
  }
  const to = wantedReplicas(name, from, request);
  const after = scaled(before.value, to, pinnedUntil);
  const isSame = after === before.value;
  return {
    service: name,
    origin,
    baseRevision: revision,
    outcome: isSame ? 'unchanged' : 'updated',
    changes: isSame ? [] : [{ kind: 'update-service', before, after }],
    claims: [],
    releases: [],
    narrowing: to < from ? [{ kind: 'fewer-replicas', from, to }] : [],
    after: stored.instances.toSorted(compareAge).map(({ value }) => value),
  };
}
