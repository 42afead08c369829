/** Owns planning changes of single instances: add, set, remove. Pure. */
import { SluiceError } from '../errors.ts';
import { type Address, compareAddresses, formatAddress } from '../model/address.ts';
import { assertService } from '../model/service-rules.ts';
import type { Instance, InstanceSpec, Stored } from '../model/service.ts';
import { suggest } from '../model/suggest.ts';
import { isStatic, newInstance, withInstances } from './instance-set.ts';
import type { Change, Plan, StoredService } from './plan.ts';

/** What to do to the static instances of a service. */
export type InstancesRequest =
  | { readonly kind: 'add'; readonly instances: readonly InstanceSpec[] }
  | { readonly kind: 'set'; readonly instances: readonly InstanceSpec[] }
  | { readonly kind: 'remove'; readonly addresses: readonly Address[] };

/** What a change of instances is planned from. */
export interface InstancesInput {
  readonly request: InstancesRequest;
  readonly stored: StoredService;
  /** Store revision at which `stored` was read. */
  readonly revision: number;
  /** RFC 3339 UTC, for what is added. */
  readonly now: string;
}

type Known = ReadonlyMap<string, Stored<Instance>>;

function refuseRepeats(service: string, addresses: readonly Address[]): void {
  const seen = new Set<string>();
  for (const address of addresses.map(formatAddress)) {
    if (seen.has(address)) {
      throw new SluiceError('invalid-spec', `instance ${address} of '${service}' is named twice`, {
        why: 'each instance may be named once in a command',
        fix: 'name it once',
        details: { service, field: 'instance', value: address, allowed: 'each instance once' },
      });
    }
    seen.add(address);
  }
}

function refuseForeign(service: string, item: Stored<Instance> | undefined): void {
  if (item === undefined || isStatic(item)) return;
  const { id, origin } = item.value;
  throw new SluiceError('invalid-spec', `instance ${id} of '${service}' is ${origin}, not static`, {
    why: 'only instances that an admin listed are changed by hand',
    fix: `leave ${id} out`,
    details: { service, field: 'instance', value: id, origin, allowed: 'static instances' },
  });
}

/** Instances of a managed or registered service are not listed by hand. */
function refuseOtherOrigin({ service }: StoredService, kind: InstancesRequest['kind']): void {
  const { name, origin, registry } = service.value;
  if (origin === 'registered') {
    throw new SluiceError('invalid-spec', `service '${name}' draws its instances from the registry`, {
      why: `instance ${kind} is for services whose instances are listed; these register as ${registry ?? ''}`,
      fix: `sluice drain ${name}/INSTANCE takes one out; its status and weight are the registry's`,
      details: { service: name, field: 'instance', origin, allowed: 'a static service' },
    });
  }
  if (origin !== 'managed') return;
  throw new SluiceError('invalid-spec', `service '${name}' is managed: sluice starts its instances itself`, {
    why: `instance ${kind} is for services whose instances are listed`,
    fix: `sluice scale ${name} N changes how many there are; sluice drain ${name}/INSTANCE replaces one`,
    details: { service: name, field: 'instance', origin, allowed: 'a static service' },
  });
}

function notFound(service: string, address: string, known: Known): SluiceError {
  const names = [...known.keys()];
  const near = suggest(address, names);
  return new SluiceError('not-found', `service '${service}' has no instance ${address}`, {
    why: near === undefined ? `it has ${names.length} others` : `did you mean ${near}?`,
    fix: `sluice describe ${service}   shows its instances`,
    details: { service, instance: address, suggestion: near, names: names.slice(0, 100) },
  });
}

function addition(input: InstancesInput, known: Known, wanted: InstanceSpec): readonly Change[] {
  const service = input.stored.service.value.name;
  const before = known.get(formatAddress(wanted));
  if (before === undefined) return [{ kind: 'add-instance', after: newInstance(service, wanted, input.now) }];
  if (before.value.weight === wanted.weight) return [];
  const { id, weight } = before.value;
  throw new SluiceError('invalid-spec', `instance ${id} of '${service}' is there with weight ${weight}`, {
    why: `add does not change weights; asked for was weight ${wanted.weight}`,
    fix: `sluice instance set ${service} ${id}=${wanted.weight}`,
    details: { service, instance: id, weight, asked: wanted.weight },
  });
}

function setting(service: string, known: Known, wanted: InstanceSpec): readonly Change[] {
  const before = known.get(formatAddress(wanted));
  if (before === undefined) throw notFound(service, formatAddress(wanted), known);
  if (before.value.weight === wanted.weight) return [];
  return [{ kind: 'update-instance', before, after: { ...before.value, weight: wanted.weight } }];
}

function removal(service: string, known: Known, address: Address): Change {
  const before = known.get(formatAddress(address));
  if (before === undefined) throw notFound(service, formatAddress(address), known);
  return { kind: 'remove-instance', before };
}

/** Instances by address: for static ones their id. */
function byAddress(instances: readonly Stored<Instance>[]): Known {
  const sorted = instances.toSorted((a, b) => compareAddresses(a.value, b.value));
  return new Map(sorted.map((item) => [formatAddress(item.value), item]));
}

function changesOf(input: InstancesInput): readonly Change[] {
  const { request, stored } = input;
  const service = stored.service.value.name;
  const known = byAddress(stored.instances);
  const addresses = request.kind === 'remove' ? request.addresses : request.instances;
  refuseRepeats(service, addresses);
  for (const address of addresses) refuseForeign(service, known.get(formatAddress(address)));
  if (request.kind === 'remove') return request.addresses.map((address) => removal(service, known, address));
  return request.instances.flatMap((wanted) =>
    request.kind === 'add' ? addition(input, known, wanted) : setting(service, known, wanted),
  );
}

/**
 * Plans adding instances (one that is there with the same weight is left as it is), setting weights of instances that are there, or
 * removing them. All of the request, or an error.
 * @throws SluiceError `not-found` for `set` and `remove` of what is not there (details.suggestion, details.names); `invalid-spec` for
 *   `add` of one that is there with another weight (kubectl create and consul's check-and-set refuse likewise: a second
 *   add is more likely a slip than a wish to re-weight), for repeats, loops, addresses that cannot be dialled, and other origins
 */
export function planInstances(input: InstancesInput): Plan {
  const { stored } = input;
  const { name, entries } = stored.service.value;
  refuseOtherOrigin(stored, input.request.kind);
  const { changes, after } = withInstances(stored.instances, changesOf(input));
  if (input.request.kind === 'add') assertService(name, { entries, instances: after });
  const ids = changes.flatMap((change) =>
    change.kind === 'remove-instance' ? [change.before.value.id] : [],
  );
  const of = stored.instances.filter(isStatic).length;
  return {
    service: name,
    origin: stored.service.value.origin,
    baseRevision: input.revision,
    outcome: changes.length === 0 ? 'unchanged' : 'updated',
    changes,
    claims: [],
    releases: [],
    narrowing: ids.length === 0 ? [] : [{ kind: 'removes-instances', ids, of }],
    after,
  };
}
