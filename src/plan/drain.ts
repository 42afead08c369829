/** Owns planning that instances get no new connections any more, or get them again. Pure. */
import { SluiceError } from '../errors.ts';
import type { DrainOrder } from '../model/assignment.ts';
import type { Instance, Stored } from '../model/service.ts';
import { suggest } from '../model/suggest.ts';
import { withInstances } from './instance-set.ts';
import type { Change, Plan, StoredService } from './plan.ts';

/** Drain or restore the instances of these ids. */
export type DrainRequest =
  | { readonly kind: 'drain'; readonly ids: readonly string[]; readonly order: DrainOrder }
  | { readonly kind: 'restore'; readonly ids: readonly string[] };

/** What draining is planned from. */
export interface DrainInput {
  readonly request: DrainRequest;
  readonly stored: StoredService;
  /** Store revision at which `stored` was read. */
  readonly revision: number;
}

function find(stored: StoredService, id: string): Stored<Instance> {
  const found = stored.instances.find(({ value }) => value.id === id);
  if (found !== undefined) return found;
  const service = stored.service.value.name;
  const names = stored.instances.map(({ value }) => value.id);
  const near = suggest(id, names);
  throw new SluiceError('not-found', `service '${service}' has no instance ${id}`, {
    why: near === undefined ? `it has ${names.length} others` : `did you mean ${near}?`,
    fix: `sluice describe ${service}   shows its instances`,
    details: { service, instance: id, suggestion: near, names: names.slice(0, 100) },
  });
}

/** True if the order says what was said before: then there is nothing to do. */
export const isSameOrder = (a: DrainOrder | undefined, b: DrainOrder): boolean =>
  a !== undefined &&
  a.deadlineSeconds === b.deadlineSeconds &&
  a.onDeadline === b.onDeadline &&
  a.force === b.force;

function drained(before: Stored<Instance>, order: DrainOrder): readonly Change[] {
  const { value } = before;
  const isManaged = value.origin === 'managed';
  // A listed one is out at once in any case; one that is out already does not come back by another order.
  const { force, ...others } = order;
  const isForced = isManaged && (force === true || value.drain?.force === true);
  const drain = isForced ? { ...others, force: true } : others;
  if (isSameOrder(value.drain, drain)) return [];
  const state = isManaged ? value.state : 'draining';
  return [{ kind: 'update-instance', before, after: { ...value, state, drain } }];
}

function restored(before: Stored<Instance>): readonly Change[] {
  const { drain, ...value } = before.value;
  if (drain === undefined) return [];
  const { service, id, origin, state } = value;
  // Without force it drains only once the leader has told it to stop, which is not taken back.
  const isReplaced = state === 'draining' && drain.force !== true;
  if (origin === 'managed' && (isReplaced || state === 'stopping' || state === 'stopped')) {
    throw new SluiceError(
      'invalid-spec',
      `instance ${id} of '${service}' is ${state} and cannot be restored`,
      {
        why: isReplaced ? 'another one is ready in its place' : 'its process was told to end, or has ended',
        fix: `sluice describe ${service} shows what runs now; sluice scale ${service} +1 adds one`,
        details: { service, instance: id, state },
      },
    );
  }
  return [
    { kind: 'update-instance', before, after: { ...value, state: origin === 'managed' ? state : 'ready' } },
  ];
}

/**
 * Plans a drain or a restore of instances. A static one is `draining` until it is restored or removed; of a managed one its agent and the
 * leader do the rest. All of the request, or an error.
 * @throws SluiceError `not-found` (details.suggestion, details.names), `invalid-spec` for a restore that comes too late
 */
export function planDrain({ request, stored, revision }: DrainInput): Plan {
  const wanted = [...new Set(request.ids)].flatMap((id): readonly Change[] => {
    const before = find(stored, id);
    return request.kind === 'drain' ? drained(before, request.order) : restored(before);
  });
  const { changes, after } = withInstances(stored.instances, wanted);
  return {
    service: stored.service.value.name,
    origin: stored.service.value.origin,
    baseRevision: revision,
    outcome: changes.length === 0 ? 'unchanged' : 'updated',
    changes,
    claims: [],
    releases: [],
    narrowing: [],
    after,
  };
}
