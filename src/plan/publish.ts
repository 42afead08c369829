/** Owns planning a publish: a spec against what is stored, as changes. Pure. */
import { SluiceError } from '../errors.ts';
import { canonicalJson } from '../model/canonical-json.ts';
import { type Address, formatAddress } from '../model/address.ts';
import { compareEntries, type Entry, formatEntry } from '../model/entry.ts';
import { assertService } from '../model/service-rules.ts';
import type { Instance, InstanceSpec, Origin, Service, ServiceSpec, Stored } from '../model/service.ts';
import { templateHash } from '../model/template-hash.ts';
import type { Template } from '../model/template.ts';
import { isStatic, newInstance, withInstances } from './instance-set.ts';
import type { Change, Narrowing, Plan, StoredService } from './plan.ts';

/** What a publish is planned from. */
export interface PublishInput {
  /** Checked again here; entries and instances in any order. */
  readonly spec: ServiceSpec;
  /** The service as stored, undefined if there is none. */
  readonly stored: StoredService | undefined;
  /** Store revision at which `stored` was read. */
  readonly revision: number;
  /** RFC 3339 UTC, for what is created. */
  readonly now: string;
}

/** Items of `list` whose text is not among those of `others`. */
function missingFrom<T>(list: readonly T[], others: readonly T[], format: (item: T) => string): readonly T[] {
  const known = new Set(others.map(format));
  return list.filter((item) => !known.has(format(item)));
}

/** Refuses to list what lists itself: such instances are not the admin's to set. */
function refuseForeign(
  service: string,
  instances: readonly Address[],
  stored: readonly Stored<Instance>[],
): void {
  const foreign = new Map(
    stored.filter((item) => !isStatic(item)).map(({ value }) => [formatAddress(value), value.origin]),
  );
  const address = instances.map(formatAddress).find((text) => foreign.has(text));
  if (address === undefined) return;
  throw new SluiceError(
    'invalid-spec',
    `instance ${address} of '${service}' is ${foreign.get(address) ?? ''}`,
    {
      why: 'only static instances are listed by hand',
      fix: `leave ${address} out`,
      details: { service, field: 'instances', value: address, allowed: 'static instances' },
    },
  );
}

const isRegistered = ({ value }: Stored<Instance>): boolean => value.origin === 'registered';

/** True if it drew its instances from the registry and will not: they go. Those of another app are drained by whoever draws. */
const leavesRegistry = ({ registry }: ServiceSpec, stored: StoredService | undefined): boolean =>
  registry === undefined && stored?.service.value.registry !== undefined;

/** What a publish may take away. */
const removable = (spec: ServiceSpec, stored: StoredService | undefined): readonly Stored<Instance>[] =>
  (stored?.instances ?? []).filter(
    (item) => isStatic(item) || (isRegistered(item) && leavesRegistry(spec, stored)),
  );

const hashOf = (template: Template | undefined): string =>
  template === undefined ? '' : templateHash(template);

/** Policies as they will be: those of the spec, else those that were, without what only started instances have. */
function policyPart(
  { policy: wanted, template }: ServiceSpec,
  before: Service | undefined,
): Pick<Service, 'policy' | 'pin'> {
  const policy = wanted ?? before?.policy;
  const pin = before?.pin;
  if (template !== undefined)
    return { ...(policy === undefined ? {} : { policy }), ...(pin === undefined ? {} : { pin }) };
  return policy?.weights === undefined ? {} : { policy: { weights: policy.weights } };
}

const originOf = ({ template, registry }: ServiceSpec): Origin =>
  template !== undefined ? 'managed' : registry !== undefined ? 'registered' : 'static';

/** Where instances come from; with a template its replicas stay as they are where the spec does not say them. */
function originPart(
  { template, replicas, registry }: ServiceSpec,
  stored: StoredService | undefined,
): Pick<Service, 'origin' | 'template' | 'replicas' | 'registry'> {
  if (registry !== undefined) return { origin: 'registered', registry };
  if (template === undefined) return { origin: 'static' };
  return { origin: 'managed', template, replicas: replicas ?? stored?.service.value.replicas ?? 1 };
}

function serviceChange(input: PublishInput): Change | undefined {
  const { spec, stored, now } = input;
  const entries = spec.entries.toSorted(compareEntries);
  const settings = {
    ...(spec.affinitySeconds === undefined ? {} : { affinitySeconds: spec.affinitySeconds }),
    ...(spec.announce === true ? { announce: true } : {}),
  };
  const wanted = {
    entries,
    masquerade: spec.masquerade,
    ...settings,
    ...originPart(spec, stored),
    ...policyPart(spec, stored?.service.value),
  };
  if (stored === undefined) {
    const after: Service = { name: spec.name, ...wanted, createdAt: now };
    return { kind: 'create-service', after };
  }
  const before = stored.service;
  const {
    affinitySeconds: affinityBefore,
    announce: announceBefore = false,
    replicas,
    template,
    policy,
    pin: _pin,
    registry,
    ...rest
  } = before.value;
  const after: Service = { ...rest, ...wanted };
  const isSame =
    before.value.masquerade === after.masquerade &&
    affinityBefore === after.affinitySeconds &&
    announceBefore === (after.announce ?? false) &&
    registry === after.registry &&
    replicas === after.replicas &&
    hashOf(template) === hashOf(after.template) &&
    canonicalJson(policy ?? {}) === canonicalJson(after.policy ?? {}) &&
    before.value.entries.toSorted(compareEntries).map(formatEntry).join() === entries.map(formatEntry).join();
  return isSame ? undefined : { kind: 'update-service', before, after };
}

function instanceChanges({ spec, stored, now }: PublishInput): readonly Change[] {
  const statics = new Map((stored?.instances ?? []).filter(isStatic).map((item) => [item.value.id, item]));
  const changes = spec.instances.flatMap((wanted: InstanceSpec): readonly Change[] => {
    const before = statics.get(formatAddress(wanted));
    if (before === undefined) return [{ kind: 'add-instance', after: newInstance(spec.name, wanted, now) }];
    if (before.value.weight === wanted.weight) return [];
    return [{ kind: 'update-instance', before, after: { ...before.value, weight: wanted.weight } }];
  });
  const wantedIds = new Set(spec.instances.map(formatAddress));
  const removed = removable(spec, stored).filter((item) => !isStatic(item) || !wantedIds.has(item.value.id));
  return [...changes, ...removed.map((before): Change => ({ kind: 'remove-instance', before }))];
}

function narrowingOf(
  changes: readonly Change[],
  releases: readonly Entry[],
  total: number,
): readonly Narrowing[] {
  const ids = changes.flatMap((change) =>
    change.kind === 'remove-instance' ? [change.before.value.id] : [],
  );
  return [
    ...(releases.length === 0 ? [] : [{ kind: 'moves-entries', entries: releases } as const]),
    ...(ids.length === 0 ? [] : [{ kind: 'removes-instances', ids, of: total } as const]),
  ];
}

/** What a change of the service itself takes away: instances that were started, or the way they come. */
function serviceNarrowing(change: Change | undefined): readonly Narrowing[] {
  if (change?.kind !== 'update-service') return [];
  const { before, after } = change;
  const [from, to] = [before.value.replicas ?? 0, after.replicas ?? 0];
  if ((before.value.origin === 'managed') !== (after.origin === 'managed')) {
    return [{ kind: 'changes-origin', to: after.origin }];
  }
  return to < from ? [{ kind: 'fewer-replicas', from, to }] : [];
}

/**
 * Plans a publish: create or update; the spec's instances are the full set of static ones, or it has a template and there are none.
 * Instances of another origin stay: managed ones are the leader's to replace and to stop.
 * @throws SluiceError `invalid-spec` if the spec breaks a rule, the service is not the admin's to list, or an instance lists itself
 */
export function planPublish(input: PublishInput): Plan {
  const { spec, stored } = input;
  assertService(spec.name, spec);
  const before = stored?.instances ?? [];
  refuseForeign(spec.name, spec.instances, leavesRegistry(spec, stored) ? [] : before);
  const change = serviceChange(input);
  const { changes, after } = withInstances(before, instanceChanges(input));
  const oldEntries = stored?.service.value.entries ?? [];
  const all = change === undefined ? changes : [change, ...changes];
  const releases = missingFrom(oldEntries, spec.entries, formatEntry).toSorted(compareEntries);
  return {
    service: spec.name,
    origin: originOf(spec),
    baseRevision: input.revision,
    outcome: stored === undefined ? 'created' : all.length === 0 ? 'unchanged' : 'updated',
    changes: all,
    claims: missingFrom(spec.entries, oldEntries, formatEntry).toSorted(compareEntries),
    releases,
    narrowing: [
      ...serviceNarrowing(change),
      ...narrowingOf(changes, releases, removable(spec, stored).length),
    ],
    after,
  };
}
